import { expect } from "vitest";
import { sql } from "../../../index.js";
import type { EitherStore } from "./store-address.js";

/** Makes the table that `consuming-process.ts` counts in, where each event is handled in a transaction. */
export async function createHandledTable(streams: EitherStore): Promise<void> {
  await streams.transaction((tx) =>
    tx.sql.run(sql`CREATE TABLE handled (place INTEGER, stream TEXT, version INTEGER, token INTEGER)`),
  );
}

/** How many events the table has. */
export async function handledInTable(streams: EitherStore): Promise<number> {
  const [row] = await streams.query<{ n: number }>(sql`SELECT count(*) AS n FROM handled`);
  return row?.n ?? 0;
}

/** Each event was handled once, in its place, and what its transaction wrote is stored once. */
export async function expectHandledOnce(streams: EitherStore, expected: number): Promise<void> {
  const rows = await streams.query<{ stream: string; version: number }>(
    sql`SELECT stream, version FROM handled ORDER BY place`,
  );
  expect(rows).toHaveLength(expected);
  expect((await streams.openStream("out")).version).toBe(expected);
  const last = new Map<string, number>();
  for (const { stream, version } of rows) {
    expect(version).toBe((last.get(stream) ?? 0) + 1);
    last.set(stream, version);
  }
}
