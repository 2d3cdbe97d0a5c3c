import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { StoredEvent } from "../../../index.js";
import { CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { type ConsumerOptions, consume, parked, TerminalError } from "../../../src/consumers/index.js";
import { storeAccessOf } from "../../../src/transaction/store-access.js";
import { overwrite, recordOf } from "./support/lease-records.js";
import { listOf, numbered, STORES, type Store, writeToStreams } from "./support/stores.js";

afterEach(() => {
  vi.useRealTimers();
});

/** The checkpoint that each event of one stream found stored. */
async function checkpointsFound(streams: Store, count: number, options: ConsumerOptions): Promise<number[]> {
  await (await streams.openStream("a")).write(Array.from({ length: count }, (_, index) => numbered(index)));
  const found: number[] = [];
  await using consumer = await consume(
    streams,
    { name: "all", startFrom: "beginning", handle: async () => void found.push(await checkpointIn(streams)) },
    options,
  );
  await consumer.whenProcessed(count);
  return found;
}

async function checkpointIn(streams: Store): Promise<number> {
  return (await recordOf(streams, CONSUMERS_SPACE, "all/0"))?.position as number;
}

/** Holds the writer until it is released. */
async function holdWriter(streams: Store): Promise<{ release(): Promise<void> }> {
  let letGo = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let held: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve) => {
    const work = (): Promise<void> => {
      resolve();
      return released;
    };
    held = streams.transaction(work, { timeoutMs: 60_000 });
  });
  return {
    release() {
      letGo();
      return held;
    },
  };
}

/** So long that no time passes. */
const NO_TIME = { ms: 1_000_000 };

describe.each(STORES)("the checkpoint of handle over %s", (_, open) => {
  test("is stored after so many events", async () => {
    await using streams = await open();
    const found = await checkpointsFound(streams, 8, { checkpointEvery: { events: 3, ...NO_TIME } });
    expect(found).toEqual([0, 0, 0, 3, 3, 3, 6, 6]);
  });

  test("is stored after each 100 events by default", async () => {
    await using streams = await open();
    const found = await checkpointsFound(streams, 102, { checkpointEvery: NO_TIME });
    expect([found[0], found[99], found[100], found[101]]).toEqual([0, 0, 100, 100]);
  });

  test("that is ahead of the store ends the consumer, which skips nothing that is stored there later", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 3);
    const handled: unknown[] = [];
    const start = (restart?: string) =>
      consume(streams, {
        name: "all",
        startFrom: "beginning",
        restart,
        handle: async ({ data }: StoredEvent) => void handled.push(data),
      });
    await (await start()).stop();
    handled.length = 0;
    await overwrite(streams, CONSUMERS_SPACE, "all/0", { position: position + 2 });

    const ahead = await start();
    await expect(ahead.ended).rejects.toMatchObject({
      code: "STORAGE_WENT_BACK",
      message: expect.stringContaining("`restart`"),
    });
    const stillAhead = await start();
    await expect(stillAhead.ended).rejects.toMatchObject({ code: "STORAGE_WENT_BACK" });
    expect(handled).toEqual([]);

    await using again = await start("after the copy was put back");
    const last = await writeToStreams(streams, 2, 3);
    await again.whenProcessed(last);
    expect(handled).toEqual([0, 1, 2, 3, 4]);
  });

  test("does not go back by a stop whose write shares the commit of an event that is parked", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(numbered(1));
    let fail: (() => void) | undefined;
    let hasFailed = false;
    const consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: () =>
          new Promise((_, reject) => {
            fail = () => reject(new TerminalError("poison"));
          }),
      },
      {
        onError() {
          hasFailed = true;
        },
      },
    );
    await expect.poll(() => fail).toBeDefined();
    const writer = await holdWriter(streams);
    const written = vi.spyOn(storeAccessOf(streams, "test"), "run");
    fail?.();
    await expect.poll(() => hasFailed && written.mock.calls.length).toBe(1);
    const stopped = consumer.stop({ drainMs: 0 });
    await expect.poll(() => written.mock.calls.length, { timeout: 5_000 }).toBe(2);
    await writer.release();
    await stopped;
    written.mockRestore();

    const handled: unknown[] = [];
    await using heir = await consume(streams, {
      name: "all",
      startFrom: "beginning",
      handle: async ({ data }: StoredEvent) => void handled.push(data),
    });
    const { position } = await (await streams.openStream("b")).write(numbered(2));
    await heir.whenProcessed(position);
    expect(handled).toEqual([2]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ position: 1, attempts: 1 }]);
  });

  test("says how many events are left, and how old the first of them is", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2, 3].map(numbered));
    await (await streams.openStream("b")).write({ type: "Other", data: null });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using consumer = await consume(streams, {
      name: "all",
      types: ["Numbered"],
      startFrom: "beginning",
      handle: ({ data }: StoredEvent) => (data === 1 ? Promise.resolve() : held),
    });
    const [, second] = await listOf((await streams.openStream("a")).read());
    await expect.poll(async () => (await consumer.lag()).position).toBe(1);
    const leastMs = Date.now() - (second?.timestamp.getTime() ?? 0);
    const lag = await consumer.lag();
    release();
    expect(lag).toMatchObject({ position: 1, head: 4, events: 2, parked: 0 });
    expect(lag.oldestMs).toBeGreaterThanOrEqual(leastMs);
  });
});

test("the checkpoint of handle is stored after a second by default", async () => {
  await using streams = memoryStreamFactory();
  await writeToStreams(streams, 1);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let hasHandled = false;
  await using _consumer = await consume(streams, {
    name: "all",
    startFrom: "beginning",
    handle: async () => {
      hasHandled = true;
    },
  });
  while (!hasHandled) await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(900);
  expect(await checkpointIn(streams)).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(await checkpointIn(streams)).toBe(1);
  vi.useRealTimers();
});
