import { sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import { sql } from "../../../../index.js";
import type { Projection } from "../../../../src/projections/index.js";
import { disposingAlso } from "../../../support/disposing-also.js";
import { createTempDir } from "../../../support/temp-dir.js";
import { STORES, type Store } from "../../consumers/support/stores.js";

/** The stores that have tables. */
export const SQL_STORES = STORES.filter(([name]) => name !== "memory");

async function openFile(): Promise<Store> {
  const folder = await createTempDir();
  return disposingAlso(await sqliteStreamFactory(folder.file("events.db")), { after: [folder] });
}

/** Those of them that are read while a transaction goes on. */
export const FILE_STORES: typeof STORES = [
  ["a SQLite file", openFile],
  ...STORES.filter(([name]) => name === "PostgreSQL"),
];

export type Deposited = { type: "Deposited"; data: { amount: number } };
export const deposited = (amount: number): Deposited => ({ type: "Deposited", data: { amount } });

/** Sums up the deposits of each stream, times a factor. It fails at an amount below zero. */
export function balances(version = 1, factor = 1): Projection<Deposited> {
  return {
    name: "balances",
    version,
    types: ["Deposited"],
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`);
    },
    async project(events, { sql: db, table }) {
      for (const { streamId, data } of events) {
        if (data.amount < 0) throw new Error(`negative ${data.amount}`);
        await db.run(sql`
          INSERT INTO ${table("balances")} AS total VALUES (${streamId}, ${data.amount * factor})
          ON CONFLICT (id) DO UPDATE SET balance = total.balance + excluded.balance`);
      }
    },
  };
}
