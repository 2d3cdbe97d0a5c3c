import type { Fold } from "../../../src/commands/index.js";

export type AccountEvent = { type: "Deposited" | "Withdrawn"; data: { amount: number } };

/** The account that processes handle commands of; its state is the balance. */
export const account: Fold<number, AccountEvent> = {
  name: "account",
  initial: () => 0,
  evolve: (balance, { type, data }) => balance + (type === "Deposited" ? data.amount : -data.amount),
  snapshot: { every: 7 },
};
