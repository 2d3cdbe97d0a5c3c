import { describe, expect, test } from "vitest";
import {
  CONSUMER_GROUPS_SPACE,
  CONSUMERS_SPACE,
  PROJECTIONS_SPACE,
} from "../../../src/administration/reserved-spaces.js";
import { consume } from "../../../src/consumers/index.js";
import { MAX_LISTED_RECORDS, MAX_PARTITIONS } from "../../../src/limits.js";
import { runProjections } from "../../../src/projections/index.js";
import { inRecords, overwrite } from "../consumers/support/lease-records.js";
import { STORES, type Store, writeToStreams } from "../consumers/support/stores.js";

const LEASE_MS = 900;
const PATIENCE = { timeout: 20_000, interval: 20 };
const A_DAY_MS = 86_400_000;

/** Starts a consumer whose handler works until its signal is aborted. */
async function startBusy(streams: Store, name: string, partitions = 1) {
  const signals: AbortSignal[] = [];
  const consumer = await consume(
    streams,
    {
      name,
      startFrom: "beginning",
      handle: async (_event, { signal }) => {
        signals.push(signal);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
    { leaseMs: LEASE_MS, partitions },
  );
  await expect.poll(() => signals.length, PATIENCE).toBe(1);
  return { name, consumer, signal: signals[0] as AbortSignal };
}

/** Waits until leases were renewed so many times. */
async function untilRenewed(streams: Store, keys: readonly (readonly [string, string])[], times: number) {
  for (let count = 0; count < times; count += 1) {
    const revisions = () =>
      inRecords(streams, async (records) => {
        const found = [];
        for (const [space, key] of keys) found.push((await records.get(space, key))?.revision ?? 0);
        return found;
      });
    const before = await revisions();
    const areAllRenewed = async () => (await revisions()).every((revision, index) => revision > (before[index] ?? 0));
    await expect.poll(areAllRenewed, PATIENCE).toBe(true);
  }
}

const partitionOf = (name: string) => [CONSUMERS_SPACE, `${name}/0`] as const;
const buildOf = (name: string) => [PROJECTIONS_SPACE, `${name}@1`] as const;

describe.each(STORES)("leases that are renewed together, over %s,", (_, open) => {
  test("are kept when another process has taken one of them, whose holder learns it", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const [first, taken, last] = [
      await startBusy(streams, "a"),
      await startBusy(streams, "b"),
      await startBusy(streams, "c"),
    ];
    const projections = ["p", "q"].map((name) => ({ name, version: 1, project: async () => undefined }));
    await using runner = await runProjections(streams, projections, { leaseMs: LEASE_MS });
    const states = () => runner.status().map(({ state }) => state);
    await expect.poll(states, PATIENCE).toEqual(["live", "live"]);

    const other = { owner: "another process", untilMs: Date.now() + A_DAY_MS };
    await overwrite(streams, ...partitionOf("b"), other);
    await overwrite(streams, ...buildOf("q"), other);
    await expect.poll(() => taken.signal.aborted, PATIENCE).toBe(true);
    await expect.poll(states, PATIENCE).toEqual(["live", "standby"]);
    await untilRenewed(streams, [partitionOf("a"), partitionOf("c"), buildOf("p")], 3);

    expect(String(taken.signal.reason)).toContain("to another process");
    expect([first.signal.aborted, last.signal.aborted]).toEqual([false, false]);
    await Promise.all([first, taken, last].map(({ consumer }) => consumer.stop({ drainMs: 0 })));
  });

  test("are kept when one of them cannot be renewed", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const [first, broken, last] = [
      await startBusy(streams, "a"),
      await startBusy(streams, "b"),
      await startBusy(streams, "c"),
    ];

    await overwrite(streams, CONSUMER_GROUPS_SPACE, "b", { history: "no list" });
    await expect(broken.consumer.ended).rejects.toThrow();
    await untilRenewed(streams, [partitionOf("a"), partitionOf("c")], 3);

    expect([first.signal.aborted, last.signal.aborted]).toEqual([false, false]);
    await Promise.all([first, last].map(({ consumer }) => consumer.stop({ drainMs: 0 })));
  });

  test("are renewed also behind more records than one query lists", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    for (let count = 0; count <= MAX_LISTED_RECORDS / MAX_PARTITIONS; count += 1) {
      const many = await startBusy(streams, `a-${count}`, MAX_PARTITIONS);
      await many.consumer.stop({ drainMs: 0 });
    }
    const [first, last] = [await startBusy(streams, "b"), await startBusy(streams, "c")];

    await untilRenewed(streams, [partitionOf("b"), partitionOf("c")], 3);

    expect([first.signal.aborted, last.signal.aborted]).toEqual([false, false]);
    await Promise.all([first, last].map(({ consumer }) => consumer.stop({ drainMs: 0 })));
  });
});
