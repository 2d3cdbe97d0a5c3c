import { expect } from "vitest";
import type { SQLiteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql, type TransactionalStreamFactory } from "../../../index.js";
import { allEventsOf } from "../../conformance/support/transactions.js";

/** The streams that each transaction writes two events to. */
const PARTS: readonly string[] = ["a", "b", "c"];

/** How many transactions run side by side. */
const TRANSACTIONS = 4;

/** Makes the table of the transactions. */
export async function makeNumbers(streams: TransactionalStreamFactory): Promise<void> {
  await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE numbers (number INTEGER PRIMARY KEY)`));
}

/**
 * Runs transactions over three streams, a record and a table, side by side with appends and units.
 *
 * @param onStored - told of each that was acknowledged
 */
export async function runTransactions(
  streams: TransactionalStreamFactory,
  onStored: (number: number) => void,
): Promise<void> {
  const transact = async (number: number): Promise<void> => {
    const data = { number };
    await streams.transaction(async (tx) => {
      for (const streamId of PARTS)
        await tx.write(streamId, [
          { type: "First", data },
          { type: `Type${number}`, data },
        ]);
      await tx.records.put("numbers", String(number), data);
      await tx.sql.run(sql`INSERT INTO numbers VALUES (${number})`);
    });
    onStored(number);
  };
  const beside = await streams.openStream("beside");
  const client = async (_: unknown, number: number): Promise<void> => {
    const unit = ["left", "right"].map((streamId) => ({ streamId, events: { type: "Both", data: number } }));
    await Promise.all([transact(number), beside.write({ type: "Beside", data: null }), streams.writeAll(unit)]);
    await transact(TRANSACTIONS + number);
  };
  await Promise.all(Array.from({ length: TRANSACTIONS }, client));
}

/** Expects that of each transaction all is stored or nothing, and returns those that are. */
export async function wholeTransactions(streams: SQLiteStreamFactory): Promise<readonly number[]> {
  const events = await allEventsOf(streams);
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
  const inTable = (await streams.query<{ number: number }>(sql`SELECT number FROM numbers ORDER BY number`)).map(
    ({ number }) => number,
  );
  const records = await streams.transaction((tx) => tx.records.list("numbers"));
  expect(records.map(({ key }) => Number(key)).sort((a, b) => a - b)).toEqual(inTable);
  for (const part of PARTS) {
    const inStream = events
      .filter(({ streamId }) => streamId === part)
      .map(({ data }) => (data as { number: number }).number);
    expect([...inStream].sort((a, b) => a - b)).toEqual(inTable.flatMap((number) => [number, number]));
  }
  const of = (id: string) => events.filter(({ streamId }) => streamId === id).map(({ data }) => data);
  expect(of("left")).toEqual(of("right"));
  expect((await streams.verify()).problems).toEqual([]);
  return inTable;
}
