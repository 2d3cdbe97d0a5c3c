import { STORES } from "../../consumers/support/stores.js";

/** The stores that have tables. */
export const SQL_STORES = STORES.filter(([name]) => name !== "memory");

export type Deposited = { type: "Deposited"; data: { amount: number } };
export const deposited = (amount: number): Deposited => ({ type: "Deposited", data: { amount } });
