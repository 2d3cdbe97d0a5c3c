import { expect } from "vitest";
import { sql, type TransactionalStreamFactory } from "../../../index.js";
import { type Consumer, consume } from "../../../src/consumers/index.js";
import { Observation } from "../../conformance/support/observation.js";
import { NO_STANDBY } from "../../support/postgres-server.js";
import { type Backend, backendsHere } from "../support/backends.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { type EitherStore, openStoreAt, type StoreAddress } from "../support/store-address.js";
import { copyStoreAt, type StoreCopy } from "../support/store-copies.js";

const BACKENDS = backendsHere();

/** Who goes on with a copy waits for the lease that is in it. */
const LEASE_MS = 300;
/** It is not renewed while the test looks. */
const LONG_LEASE_MS = 600_000;
const WRITERS = 3;
const EVENTS_PER_WRITER = 150;
const EVENTS = WRITERS * EVENTS_PER_WRITER;
const COPIES = 3;
const PATIENCE = { timeout: 40_000, interval: 5 };
const WENT_BACK = { code: "STORAGE_WENT_BACK" };

/** A consumer whose table has what it has handled. */
const counting = (streams: TransactionalStreamFactory, leaseMs: number): Promise<Consumer> =>
  consume(
    streams,
    {
      name: "count",
      startFrom: "beginning",
      transact: async ({ position }, tx) => {
        await tx.sql.run(sql`INSERT INTO handled VALUES (${position})`);
      },
    },
    { leaseMs, partitions: 2 },
  );

async function openWithTable(address: StoreAddress): Promise<EitherStore> {
  const streams = await openStoreAt(address);
  await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE handled (position INTEGER PRIMARY KEY)`));
  return streams;
}

async function handledIn(streams: EitherStore): Promise<number[]> {
  const rows = await streams.query<{ position: number }>(sql`SELECT position FROM handled ORDER BY position`);
  return rows.map(({ position }) => position);
}

const headOf = async (streams: EitherStore): Promise<number> => (await streams.openStream("@all")).version;
const upTo = (head: number): number[] => Array.from({ length: head }, (_, index) => index + 1);

async function write(streams: EitherStore, writer: string, events: number): Promise<void> {
  const stream = await streams.openStream(writer);
  for (let number = 0; number < events; number += 1) await stream.write({ type: "Numbered", data: number });
}

const writeAll = (streams: EitherStore): Promise<unknown> =>
  Promise.all(Array.from({ length: WRITERS }, (_, index) => write(streams, `writer-${index}`, EVENTS_PER_WRITER)));

/** A copy that is made when so much is written. */
async function copyAt(events: number, address: StoreAddress, streams: EitherStore): Promise<StoreCopy> {
  await expect.poll(() => headOf(streams), PATIENCE).toBeGreaterThanOrEqual(events);
  return copyStoreAt(address, streams);
}

/** A copy has no checkpoint past its end, and what is left of it is handled there. @returns how much was left */
async function finishCopy(address: StoreAddress): Promise<number> {
  await using copy = await openStoreAt(address);
  const head = await headOf(copy);
  const before = await handledIn(copy);
  expect(before.every((position) => position <= head)).toBe(true);
  await using consumer = await counting(copy, LEASE_MS);
  expect((await consumer.lag()).position).toBeLessThanOrEqual(head);
  await consumer.whenProcessed(head, { timeoutMs: PATIENCE.timeout });
  expect(await handledIn(copy)).toEqual(upTo(head));
  return head - before.length;
}

/** The stores of a kind for one round each, where copies of it can be made. */
async function* rounds({ name, createAddress }: Backend, test: string, { rounds: count }: Laboratory) {
  if (name === "PostgreSQL" && NO_STANDBY !== null) return leftOut(test, NO_STANDBY);
  for (let round = 0; round < count; round += 1) {
    await using created = await createAddress();
    await using streams = await openWithTable(created.address);
    yield { round, address: created.address, streams };
  }
}

for (const backend of BACKENDS) {
  const name = `R54 a copy of a store over ${backend.name} that is made under load has each event handled once, in its tables or by a consumer that goes on elsewhere`;
  faultTest(name, { quick: 1, soak: 13 }, async (laboratory) => {
    const { integer, count } = laboratory;
    for await (const { address, streams } of rounds(backend, name, laboratory)) {
      await using _ = await counting(streams, LEASE_MS);
      const writing = writeAll(streams);
      const copies: StoreCopy[] = [];
      for (let copy = 0; copy < COPIES; copy += 1) {
        const due = Math.floor((copy * EVENTS) / COPIES) + integer(0, EVENTS / COPIES);
        copies.push(await copyAt(due, address, streams));
      }
      await writing;
      for (const copy of copies) {
        await using elsewhere = await copy.putElsewhere();
        count("events left in copies", await finishCopy(elsewhere.address));
      }
      count("copies", copies.length);
    }
  });
}

for (const backend of BACKENDS) {
  const name = `R54 an older copy in the place of a store over ${backend.name} ends the consumer that was further, and the next one passes over nothing`;
  faultTest(name, { quick: 2, soak: 20 }, async (laboratory) => {
    const { integer, count } = laboratory;
    for await (const { round, address, streams } of rounds(backend, name, laboratory)) {
      const isOpen = round % 2 === 0;
      const consumer = await counting(streams, LONG_LEASE_MS);
      const writing = writeAll(streams);
      const copy = await copyAt(integer(1, EVENTS / 2), address, streams);
      await writing;
      // Later than the copy in any case.
      await write(streams, "writer-0", 1);
      const head = await headOf(streams);
      await consumer.whenProcessed(head, { timeoutMs: PATIENCE.timeout });
      if (isOpen) {
        await copy.putInPlace("somebody has it open");
        await expect(consumer.ended).rejects.toMatchObject(WENT_BACK);
      } else {
        await streams[Symbol.asyncDispose]();
        await copy.putInPlace("nobody has it open");
      }

      await using older = await openStoreAt(address);
      const left = (await headOf(older)) - (await handledIn(older)).length;
      const lost = head - (await headOf(older));
      expect(lost).toBeGreaterThan(0);
      // Who remembers where the store was before is told, and does not wait for it to come there again.
      const watch = new Observation((await older.openStream("@all")).watch({ after: head }));
      await expect.poll(() => watch.errors, PATIENCE).toMatchObject([WENT_BACK]);
      // It grows past what the consumer had handled before, in the same places.
      await write(older, "afterwards", lost + integer(1, 10));
      const newHead = await headOf(older);
      await using next = await counting(older, LEASE_MS);
      await next.whenProcessed(newHead, { timeoutMs: PATIENCE.timeout });
      expect(await handledIn(older)).toEqual(upTo(newHead));
      count(isOpen ? "copies in the place of open stores" : "copies in the place of closed stores");
      count("lost events", lost);
      count("events left in copies", left);
    }
  });
}
