import { describe, expect, test } from "vitest";
import { consume } from "../../../src/consumers/index.js";
import { runProjections, whenProcessed } from "../../../src/projections/index.js";
import { collecting } from "../consumers/support/collecting.js";
import { countCalls } from "../consumers/support/counted-calls.js";
import { type Store, writeToStreams } from "../consumers/support/stores.js";
import { SQL_STORES } from "../projections/support/stores.js";

const LEASE_MS = 900;
const RENEWALS = 8;
/** The first comes at once, and where the machine stood still before, the next two come late together. */
const LEAST_MS = (RENEWALS - 3) * (LEASE_MS / 3);

/** Starts something that holds a lease, and waits until it has handled everything. */
const HOLDERS: [string, (streams: Store, position: number) => Promise<void>][] = [
  [
    "consumer",
    async (streams, position) => {
      const consumer = await consume(streams, collecting([]), { leaseMs: LEASE_MS });
      await consumer.whenProcessed(position);
    },
  ],
  [
    "projection",
    async (streams, position) => {
      await runProjections(streams, [{ name: "all", project: async () => undefined }], { leaseMs: LEASE_MS });
      await whenProcessed(streams, "all", position);
    },
  ],
];

describe.each(SQL_STORES)("over %s", (_, open) => {
  test.each(HOLDERS)("an idle %s makes one transaction in a third of its lease, and no other", async (_kind, start) => {
    await using streams = await open();
    await start(streams, await writeToStreams(streams, 3));
    const calls = countCalls(streams);
    // What it still had to write is written with the first renewals.
    await expect.poll(() => calls.transact).toBeGreaterThanOrEqual(2);
    const before = calls.transact;
    const beganMs = performance.now();
    await expect.poll(() => calls.transact).toBeGreaterThanOrEqual(before + RENEWALS);
    expect(performance.now() - beganMs).toBeGreaterThan(LEAST_MS);
  });
});
