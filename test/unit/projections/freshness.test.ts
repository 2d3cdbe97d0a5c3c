import { afterEach, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { JsonObject } from "../../../index.js";
import { documents, type ReadModelStore, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const counts = documents<number, { type: string; data: unknown }>({
  name: "counts",
  evolve: (count) => (count ?? 0) + 1,
});

afterEach(() => {
  vi.useRealTimers();
});

test.each(DRIVER_NAMES)(
  "whenProcessed resolves with the progress of its own process, without a timer, over %s",
  async (driver) => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    await using stream = await streams.openStream("a");
    await using _ = await runProjections(streams, [counts]);
    await whenProcessed(streams, "counts", (await stream.write({ type: "A", data: 0 })).position);
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    for (let number = 1; number <= 20; number += 1) {
      const { position } = await stream.write({ type: "A", data: number });
      await whenProcessed(streams, "counts", position);
    }
    vi.useRealTimers();
  },
);

test("whenProcessed looks often at what another process does in the beginning, and rarely later", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  const store = new OtherProcess();
  const processed = whenProcessed(store, "counts", 7, { timeoutMs: 60_000 });
  await vi.advanceTimersByTimeAsync(20);
  expect(store.looks).toBeGreaterThanOrEqual(3);
  await vi.advanceTimersByTimeAsync(1_000);
  const before = store.looks;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.looks - before).toBeLessThanOrEqual(100);
  store.position = 7;
  await vi.advanceTimersByTimeAsync(100);
  await processed;
});

/** The records of a projection that another process runs. */
class OtherProcess implements ReadModelStore {
  position = 0;
  looks = 0;

  async transaction<T>(work: Parameters<ReadModelStore["transaction"]>[0]): Promise<T> {
    this.looks += 1;
    const live: JsonObject = { version: 1, generation: 0, former: [], rebuilding: null };
    const lease = { owner: "other", untilMs: 0, leaseMs: 10_000 };
    const build = { ...lease, position: this.position, parked: 0, tables: [], hasCaughtUp: true };
    const get = async (_: string, key: string) => ({
      key,
      revision: 1,
      value: key === "counts" ? live : build,
    });
    const tx = { records: { get } } as unknown as Parameters<typeof work>[0];
    return (await work(tx)) as T;
  }
}

test("a batch is smaller after one that held the writer for too long, also far behind", async () => {
  await using streams = memoryStreamFactory();
  await using stream = await streams.openStream("a");
  const page = Array.from({ length: 1_024 }, (_, data) => ({ type: "A", data }));
  for (let at = 0; at < 12; at += 1) await stream.write(page);
  const sizes: number[] = [];
  // The second is smaller, and quicker for that.
  const durationsMs = [200, 50];
  const slow = {
    name: "slow",
    async project(events: readonly unknown[]) {
      sizes.push(events.length);
      const durationMs = durationsMs.shift();
      if (durationMs !== undefined) await new Promise((resolve) => setTimeout(resolve, durationMs));
    },
  };
  await using _ = await runProjections(streams, [slow]);
  await vi.waitFor(() => expect(sizes.length).toBeGreaterThan(2));
  const [first = 0, second = 0, third = 0] = sizes;
  // Each should hold it for 10 ms, and took at least five times that.
  expect(second).toBeLessThanOrEqual(Math.ceil(first / 4));
  expect(third).toBeLessThanOrEqual(Math.max(1, Math.ceil(second / 4)));
});
