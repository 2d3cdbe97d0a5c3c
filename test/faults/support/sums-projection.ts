import { sql } from "../../../index.js";
import type { Projection } from "../../../projections.js";
import type { EitherStore } from "./store-address.js";

type Deposited = { type: "Deposited"; data: { amount: number } };

const STREAMS = 20;

/** Sums up the deposits of each stream in the table `sums`: an event that counts twice, or not at all, shows in it. */
export function sumsProjection(version: number): Projection<Deposited> {
  return {
    name: "sums",
    version,
    types: ["Deposited"],
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table("sums")} (id TEXT PRIMARY KEY, n INTEGER NOT NULL)`);
    },
    async project(events, { sql: db, table }) {
      for (const { streamId, data } of events) {
        await db.run(sql`
          INSERT INTO ${table("sums")} AS own VALUES (${streamId}, ${data.amount})
          ON CONFLICT (id) DO UPDATE SET n = own.n + excluded.n`);
      }
    },
  };
}

/** Deposits the amount in each stream. @returns the position of the last event */
export async function deposit(streams: EitherStore, amount: number): Promise<number> {
  const writes = Array.from({ length: STREAMS }, (_, index) => ({
    streamId: `s-${index}`,
    events: { type: "Deposited", data: { amount } },
  }));
  return (await streams.writeAll(writes)).at(-1)?.position ?? 0;
}

/** What the table has to hold. */
export async function sumsOfEvents(streams: EitherStore): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  await using all = await streams.openStream<Deposited>("@all");
  for await (const { streamId, data } of all.read()) sums[streamId] = (sums[streamId] ?? 0) + data.amount;
  return sums;
}

/** What readers see in the table. */
export async function sumsOfTable(streams: EitherStore): Promise<Record<string, number>> {
  const rows = await streams.query<{ id: string; n: number }>(sql`SELECT id, n FROM sums`);
  return Object.fromEntries(rows.map(({ id, n }) => [id, n]));
}
