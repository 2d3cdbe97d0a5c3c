import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { runProjections, whenProcessed } from "../../../src/projections/index.js";
import { overwrite } from "../consumers/support/lease-records.js";
import { STORES } from "../consumers/support/stores.js";
import { deposited } from "./support/stores.js";

const A_DAY_MS = 86_400_000;

/** So long that the next batch has only a few events. */
const SLOW_MS = 500;

/** Notes the positions of each batch. */
const noting = (batches: number[][]) => ({
  name: "noted",
  project: async (events: readonly StoredEvent[]) => void batches.push(events.map(({ position }) => position)),
});

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe.each(STORES)("the batches of a projection over %s", (_, open) => {
  test("are never empty, in order, and have 256 events at most by default", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(upTo(600).map(deposited));
    await using all = await streams.openStream("@all");
    const batches: number[][] = [];
    await using _ = await runProjections(streams, [noting(batches)]);
    await whenProcessed(streams, "noted", all.version);
    expect(batches.flat()).toEqual(upTo(600));
    expect(batches[0]).toHaveLength(256);
    for (const batch of batches) expect(batch.length).toBeGreaterThan(0);
    for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(256);
  });

  test("have as many events as they are told to", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(upTo(25).map(deposited));
    const batches: number[][] = [];
    await using _ = await runProjections(streams, [noting(batches)], { batchSize: 10 });
    await whenProcessed(streams, "noted", 25);
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
  });

  test("become larger again after one that held the writer for long", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(upTo(600).map(deposited));
    const batches: number[][] = [];
    const { name, project } = noting(batches);
    const slowAtFirst = async (events: readonly StoredEvent[]) => {
      await project(events);
      if (batches.length === 1) await delay(SLOW_MS);
    };
    await using _ = await runProjections(streams, [{ name, project: slowAtFirst }]);
    await whenProcessed(streams, "noted", 600);
    const sizes = batches.map(({ length }) => length);
    expect(sizes[1]).toBeLessThan(10);
    expect(Math.max(...sizes.slice(1))).toBeGreaterThan(20);
  });

  test("have 8 MiB of content at most, and one event more", async () => {
    await using streams = await open();
    const large = { type: "Large", data: "x".repeat(1_000_000) };
    const stream = await streams.openStream("a");
    for (let count = 0; count < 2; count += 1) await stream.write(Array.from({ length: 5 }, () => large));
    const batches: number[][] = [];
    await using _ = await runProjections(streams, [noting(batches)]);
    await whenProcessed(streams, "noted", 10);
    expect(batches.map(({ length }) => length)).toEqual([9, 1]);
  });

  test("go on when the process that ran it is gone, although its clock was a day ahead", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    const batches: number[][] = [];
    const start = () => runProjections(streams, [noting(batches)], { leaseMs: 100 });
    {
      await using _ = await start();
      await whenProcessed(streams, "noted", 1);
    }
    await overwrite(streams, PROJECTIONS_SPACE, "noted@1", { owner: "gone", untilMs: Date.now() + A_DAY_MS });
    const { position } = await a.write(deposited(2));
    await using runner = await start();
    await whenProcessed(streams, "noted", position);
    expect(batches).toEqual([[1], [2]]);
    expect(runner.status()).toMatchObject([{ state: "live" }]);
  });

  test("have a new holder also while writes move the record on, which project inline", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    const start = () => runProjections(streams, [noting([])], { leaseMs: 100, mode: "inline" });
    await (await start())[Symbol.asyncDispose]();
    await overwrite(streams, PROJECTIONS_SPACE, "noted@1", { owner: "gone", untilMs: Date.now() + A_DAY_MS });
    await using runner = await start();
    const stateAfterWrite = async () => {
      await a.write(deposited(1));
      return runner.status()[0]?.state;
    };
    await expect.poll(stateAfterWrite, { interval: 10, timeout: 5_000 }).toBe("live");
  });
});
