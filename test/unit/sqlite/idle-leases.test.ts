import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { consume } from "../../../src/consumers/index.js";
import { runProjections } from "../../../src/projections/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { type RecordedCall, recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const COUNT = 10;
const LEASE_MS = 1_500;
/** Of each consumer its own record and that of its partition, and of each projection one. */
const RECORDS = COUNT * 3;
const ROUNDS = 3;

/** The calls of a store, and how many of them have a text. */
function counting(calls: readonly RecordedCall[]) {
  const callsOf = (text: string): number => calls.filter(({ sql }) => sql.includes(text)).length;
  const puts = () => callsOf("INSERT INTO es_records");
  const untilPut = (count: number) => vi.waitFor(() => expect(puts()).toBeGreaterThanOrEqual(count), 20_000);
  return { callsOf, puts, untilPut };
}

test("idle consumers and projections of a process renew their leases in shared transactions, and read no event", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  const { callsOf, puts, untilPut } = counting(calls);
  await using streams = await openStoreOver(driver, folder.file("store.db"), { durability: "normal" });
  await using stream = await streams.openStream("a");
  await stream.write({ type: "A", data: 0 });
  for (let index = 0; index < COUNT; index += 1) {
    const name = `idle_${index}`;
    const consumer = await consume(
      streams,
      { name, startFrom: "beginning", handle: async () => undefined },
      { leaseMs: LEASE_MS },
    );
    await consumer.whenProcessed(1);
    await runProjections(streams, [{ name, project: async () => undefined }], { leaseMs: LEASE_MS });
    // So that their leases do not begin at the same time.
    await delay(20);
  }
  // What they still had to write is written by then.
  await untilPut(puts() + ROUNDS * RECORDS);

  calls.length = 0;
  await untilPut(ROUNDS * RECORDS);

  const commits = callsOf("COMMIT");
  expect(commits).toBeLessThanOrEqual(RECORDS / 2);
  // The last position is looked up in each transaction, and at no other time.
  expect(callsOf("es_events), 0)")).toBeLessThanOrEqual(commits + 1);
  expect(callsOf("FROM es_events AS")).toBe(0);
  // One query for each kind of record, rather than one for each of them.
  expect(callsOf("SELECT revision, value FROM es_records")).toBeLessThan(RECORDS / 2);
  expect(callsOf("FROM es_records")).toBeLessThan(puts() + RECORDS);
  expect(callsOf("SAVEPOINT")).toBeLessThan(RECORDS / 2);
});

test("an idle consumer commits once in a third of its lease", async () => {
  const leaseMs = 900;
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  const { callsOf, puts, untilPut } = counting(calls);
  await using streams = await openStoreOver(driver, folder.file("store.db"), { durability: "normal" });
  await using _ = await consume(
    streams,
    { name: "alone", startFrom: "beginning", handle: async () => undefined },
    { leaseMs },
  );
  await untilPut(puts() + 2);

  const rounds = 8;
  const beganMs = performance.now();
  calls.length = 0;
  await untilPut(2 * rounds);

  expect(callsOf("COMMIT")).toBeLessThanOrEqual(rounds);
  // The first comes at once, and where the machine stood still before, the next two come late together.
  expect(performance.now() - beganMs).toBeGreaterThan((rounds - 3) * (leaseMs / 3));
});
