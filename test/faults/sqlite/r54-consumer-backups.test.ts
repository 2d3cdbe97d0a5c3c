import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type SQLiteStreamFactory, sql, type TransactionalStreamFactory } from "../../../index.js";
import { type Consumer, consume } from "../../../src/consumers/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";

const LEASE_MS = 300;
const WRITERS = 3;
const EVENTS_PER_WRITER = 150;
const COPIES = 3;

const counting = (streams: TransactionalStreamFactory): Promise<Consumer> =>
  consume(
    streams,
    {
      name: "count",
      startFrom: "beginning",
      transact: async ({ position }, tx) => {
        await tx.sql.run(sql`INSERT INTO handled VALUES (${position})`);
      },
    },
    { leaseMs: LEASE_MS, partitions: 2 },
  );

async function handledIn(streams: SQLiteStreamFactory): Promise<number[]> {
  const rows = await streams.query<{ position: number }>(sql`SELECT position FROM handled ORDER BY position`);
  return rows.map(({ position }) => position);
}

async function writeAsOne(streams: SQLiteStreamFactory, writer: number): Promise<void> {
  const stream = await streams.openStream(`writer-${writer}`);
  for (let number = 0; number < EVENTS_PER_WRITER; number += 1) await stream.write({ type: "Numbered", data: number });
}

/** A copy has no checkpoint past its end, and what is left of it is handled there. @returns how much was left */
async function finishCopy(path: string): Promise<number> {
  await using copy = await sqliteStreamFactory(path);
  const head = (await copy.openStream("@all")).version;
  const before = await handledIn(copy);
  expect(before.every((position) => position <= head)).toBe(true);
  await using consumer = await counting(copy);
  expect((await consumer.lag()).position).toBeLessThanOrEqual(head);
  await consumer.whenProcessed(head, { timeoutMs: 40_000 });
  expect(await handledIn(copy)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  return head - before.length;
}

faultTest(
  "R54 a backup that is made under load has each event handled once, in its tables or by a consumer that goes on there",
  { quick: 1, soak: 13 },
  async ({ rounds, integer, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      await using streams = await sqliteStreamFactory(folder.file("store.db"));
      await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE handled (position INTEGER PRIMARY KEY)`));
      await using _ = await counting(streams);
      const writing = Promise.all(Array.from({ length: WRITERS }, (_writer, index) => writeAsOne(streams, index)));
      const copies: string[] = [];
      for (let copy = 0; copy < COPIES; copy += 1) {
        const written = integer(0, (WRITERS * EVENTS_PER_WRITER) / COPIES);
        const due = copy * ((WRITERS * EVENTS_PER_WRITER) / COPIES) + written;
        await expect
          .poll(async () => (await streams.openStream("@all")).version, { timeout: 40_000, interval: 5 })
          .toBeGreaterThanOrEqual(due);
        copies.push(folder.file(`copy-${copy}.db`));
        await streams.backup(copies.at(-1) as string);
      }
      await writing;
      for (const path of copies) count("events left in copies", await finishCopy(path));
      count("copies", copies.length);
    }
  },
);
