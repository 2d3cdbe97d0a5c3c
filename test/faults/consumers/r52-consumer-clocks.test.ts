import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { sql } from "../../../index.js";
import { CONSUMER_GROUPS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { createTempDir } from "../../support/temp-dir.js";
import { recordOf } from "../../unit/consumers/support/lease-records.js";
import type { ConsumingConfig } from "../fixtures/consuming-process.js";
import { backendsHere } from "../support/backends.js";
import { faketimeEnvironment } from "../support/faketime.js";
import { faultTest, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";

/** Leases are renewed by thirds: in a soak run, one that is looked at then only is taken too late. */
const LEASE_MS = { quick: 3_000, soak: 12_000 };
/** How much later than its time a lease is taken at most: a machine that does other things lets processes and its disk wait. */
const LATE_MS = { quick: 3_000, soak: 2_000 };
const EVENTS = 50;
/**
 * How many owners the stream's partition may have had after the jump: the first one, and who took it over. Where there are two
 * partitions, one is shared with the standby before, and again after it.
 */
const MAX_OWNERS = [
  { partitions: 1, owners: 2 },
  { partitions: 2, owners: 4 },
];
const PATIENCE = { timeout: 40_000, interval: 20 };
const HOUR_MS = 3_600_000;

async function write(streams: EitherStore): Promise<void> {
  const stream = await streams.openStream("a");
  for (let number = 0; number < EVENTS; number += 1) await stream.write({ type: "Numbered", data: number });
}

/** The versions that were handled, in order, and how many owners the stream's partition had. */
async function handled(streams: EitherStore): Promise<{ versions: number[]; owners: number }> {
  const rows = await streams.query<{ version: number; token: number }>(
    sql`SELECT version, token FROM handled ORDER BY place`,
  );
  return { versions: rows.map(({ version }) => version), owners: new Set(rows.map(({ token }) => token)).size };
}

/** How many processes have renewed what they have since their clocks have jumped. */
async function renewals(streams: EitherStore): Promise<number> {
  const members = Object.values((await recordOf(streams, CONSUMER_GROUPS_SPACE, "count"))?.members ?? {});
  return members.filter(({ untilMs }) => untilMs > Date.now() + HOUR_MS / 2).length;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

for (const backend of backendsHere()) {
  const name = `R52 a consumer over ${backend.name} handles each event once, although the clocks of its processes jump by an hour`;
  faultTest(name, { quick: 2, soak: 4 }, async ({ rounds, size, count }) => {
    const leaseMs = LEASE_MS[size];
    for (let round = 0; round < rounds; round += 1) {
      const { partitions = 1, owners = 2 } = MAX_OWNERS[round % MAX_OWNERS.length] ?? {};
      await using folder = await createTempDir();
      const offsetFile = folder.file("offset");
      await writeFile(offsetFile, "+0");
      const env = faketimeEnvironment(offsetFile);
      if (env === undefined) return leftOut(name, "faketime is not installed");
      await using created = await backend.createAddress();
      const { address } = created;
      await using streams = await openStoreAt(address);
      await streams.transaction((tx) =>
        tx.sql.run(sql`CREATE TABLE handled (place INTEGER, stream TEXT, version INTEGER, token INTEGER)`),
      );
      const logPath = folder.file("unused.log");
      const config: ConsumingConfig = { address, logPath, mode: "transact", leaseMs, partitions };
      const start = () => startFixture("consuming-process.ts", { args: [JSON.stringify(config)], env });
      await using holder = start();
      await holder.ready();
      await write(streams);
      await expect.poll(async () => (await handled(streams)).versions.length, PATIENCE).toBe(EVENTS);
      await using standby = start();
      await standby.ready();

      // To whoever looks first the leases of the other seem to have ended long ago.
      await writeFile(offsetFile, `+${HOUR_MS / 1_000}`);
      await expect.poll(() => renewals(streams), PATIENCE).toBe(2);
      await write(streams);
      await expect.poll(async () => (await handled(streams)).versions.length, PATIENCE).toBe(2 * EVENTS);
      const afterJump = await handled(streams);
      expect(afterJump.owners).toBeLessThanOrEqual(owners);

      // The lease of a holder that is dead seems to end an hour from now.
      await Promise.all([holder.kill(), standby.kill()]);
      await writeFile(offsetFile, "+0");
      await write(streams);
      await using heir = start();
      await heir.ready();
      const seenMs = performance.now();
      await expect.poll(async () => (await handled(streams)).versions.length, PATIENCE).toBeGreaterThan(2 * EVENTS);
      expect(performance.now() - seenMs).toBeLessThan(leaseMs + LATE_MS[size]);
      await expect.poll(async () => (await handled(streams)).versions.length, PATIENCE).toBe(3 * EVENTS);
      expect((await handled(streams)).versions).toEqual(upTo(3 * EVENTS));
      expect((await streams.openStream("out")).version).toBe(3 * EVENTS);
      count("jumps", 2);
      count("events", 3 * EVENTS);
      count("takeovers after the jump", afterJump.owners - 1);
    }
  });
}
