import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { consume } from "../../../src/consumers/index.js";
import { runProjections } from "../../../src/projections/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const COUNT = 10;
const LEASE_MS = 1_500;
/** Of each consumer its own record and that of its partition, and of each projection one. */
const RECORDS = COUNT * 3;

test("idle consumers and projections of a process renew their leases in shared commits, and read no event", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
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
  const callsOf = (text: string): number => calls.filter(({ sql }) => sql.includes(text)).length;
  const renewals = () => callsOf("INSERT INTO es_records");
  const untilRenewed = (count: number) => vi.waitFor(() => expect(renewals()).toBeGreaterThanOrEqual(count), 20_000);
  // What they still had to write is written by then.
  await untilRenewed(renewals() + 3 * RECORDS);

  calls.length = 0;
  await untilRenewed(3 * RECORDS);

  const commits = callsOf("COMMIT");
  expect(commits).toBeLessThanOrEqual(RECORDS / 2);
  // The last position is looked up in each transaction, and at no other time.
  expect(callsOf("es_events), 0)")).toBeLessThanOrEqual(commits + 1);
  expect(callsOf("FROM es_events AS")).toBe(0);
});
