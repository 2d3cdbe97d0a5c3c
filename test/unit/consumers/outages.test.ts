import { describe, expect, test } from "vitest";
import { StorageError, type StoredEvent } from "../../../index.js";
import { CONSUMER_GROUPS_SPACE, CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import {
  type Consumer,
  type ConsumerDefinition,
  type ConsumerOptions,
  consume,
  parked,
  retryParked,
  TerminalError,
} from "../../../src/consumers/index.js";
import { storeAccessOf } from "../../../src/transaction/store-access.js";
import { SHARED_STORES } from "../administration/support/stores.js";
import { overwrite, recordOf } from "./support/lease-records.js";
import { listOf, numbered, STORES, type Store, writeToStreams } from "./support/stores.js";

/** No test waits for the pause between two tries in an outage. */
const LONG_PAUSE = { attempts: 2, minDelayMs: 1, maxDelayMs: 600_000, factor: 1 };

describe.each(STORES)("outages over %s", (_, open) => {
  test("that are over at a restart do not keep the first event waiting", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 6);
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    const start = () =>
      startAll(streams, next, async ({ data }) => {
        if (isDown) throw new Error("down");
        handled.push(data);
      });
    const first = await start();
    await expect.poll(() => next).toContain("pause");
    await first.stop();
    isDown = false;
    await using second = await start();
    await second.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("are what a wait that ends at its time says, while they last", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 4);
    const next: string[] = [];
    await using consumer = await startAll(streams, next, async () => Promise.reject(new Error("down")));
    await expect.poll(() => next).toContain("pause");
    await expect(consumer.whenProcessed(position, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/\(20 ms\)\. It is paused: .* until one succeeds\. onError is told what fails\.$/),
    });
  });

  test("go on after a stop in the middle of an attempt, which does not count", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 4);
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    let tries = 0;
    const start = () =>
      startAll(
        streams,
        next,
        async ({ data }, { signal }) => {
          if (!isDown) return void handled.push(data);
          // Two of each event that is parked and of the one that is not, and then what is under way for long.
          if (++tries > 6) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          throw new Error("down");
        },
        { retry: { ...LONG_PAUSE, maxDelayMs: 1 } },
      );
    const first = await start();
    await expect.poll(() => tries).toBe(7);
    await first.stop({ drainMs: 0 });
    tries = 0;
    next.length = 0;
    const second = await start();
    await expect.poll(() => next).toContain("pause");
    await second.stop({ drainMs: 0 });
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await using third = await start();
    await third.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3]);
  });

  test("go on after a process that was killed in the middle of an attempt", async () => {
    await using streams = await open();
    await writeToStreams(streams, 4);
    const next: string[] = [];
    const start = () => startAll(streams, next, async () => Promise.reject(new Error("down")));
    const first = await start();
    await expect.poll(() => next).toContain("pause");
    await first.stop();
    next.length = 0;
    // What is left of it: it had begun an attempt more than is allowed where there is no outage.
    const attempt = { position: 3, count: LONG_PAUSE.attempts, dueMs: 0 };
    await overwrite(streams, CONSUMERS_SPACE, "all/0", { owner: "gone", untilMs: 0, unsaved: 100, attempt });
    await using _second = await start();
    await expect.poll(() => next).toContain("pause");
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
  });

  test("of one process alone park no more than two events, and keep no other process waiting", async () => {
    await using streams = await open();
    const next: string[] = [];
    const handled = new Set<unknown>();
    const options = { partitions: 2, leaseMs: 300, retry: { ...LONG_PAUSE, maxDelayMs: 30 } };
    let isDown = true;
    const broken = await startAll(
      streams,
      next,
      async ({ streamId }) => {
        if (isDown) throw new Error("down");
        handled.add(streamId);
      },
      options,
    );
    await using _healthy = await startAll(streams, [], async ({ streamId }) => void handled.add(streamId), options);
    let round = 0;
    const writeRound = async (): Promise<void> => {
      // What comes later in a stream of a parked event waits behind it.
      round += 1;
      const streamIds = Array.from({ length: 10 }, (_, index) => `${round}-${index}`);
      await streams.writeAll(streamIds.map((streamId) => ({ streamId, events: numbered(round) })));
    };
    // The healthy one goes on, however often the broken one has failed.
    await expect.poll(() => writeRound().then(() => next)).toContain("pause");
    for (let more = 0; more < 10; more += 1) {
      const before = { failed: next.length, handled: handled.size };
      await writeRound();
      await expect.poll(() => next.length).toBeGreaterThan(before.failed);
      await expect.poll(() => handled.size).toBeGreaterThan(before.handled);
    }
    expect((await listOf(parked(streams, "all"))).length).toBeLessThanOrEqual(2);
    isDown = false;
    await expect.poll(() => handled.size, { timeout: 5_000 }).toBe(round * 10);
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
    await broken.stop();
  });

  test("of one process alone go on although another, whose clock has jumped, took it for gone", async () => {
    await using streams = await open();
    const next: string[] = [];
    const handled = new Set<unknown>();
    const options = { partitions: 2, leaseMs: 600, retry: { ...LONG_PAUSE, maxDelayMs: 30 } };
    let isDown = true;
    const handle = async ({ streamId }: StoredEvent) => void handled.add(streamId);
    const handleUnlessDown = async (event: StoredEvent) => {
      if (isDown) throw new Error("down");
      await handle(event);
    };
    await using _broken = await startAll(streams, next, handleUnlessDown, options);
    await using _healthy = await startAll(streams, [], handle, options);
    let count = 0;
    const writeMore = async (): Promise<void> => {
      const streamIds = Array.from({ length: 10 }, (_, index) => `${count + index}`);
      count += 10;
      await streams.writeAll(streamIds.map((streamId) => ({ streamId, events: numbered(1) })));
    };
    await expect.poll(() => writeMore().then(() => next)).toContain("pause");
    for (let round = 0; round < 3; round += 1) {
      const handledBefore = handled.size;
      await writeMore();
      // What succeeds elsewhere says that it is no outage of all.
      await expect.poll(() => handled.size).toBeGreaterThan(handledBefore);
      await overwrite(streams, CONSUMER_GROUPS_SPACE, "all", { members: {} });
      const failedBefore = next.length;
      await writeMore();
      await expect.poll(() => next.length).toBeGreaterThan(failedBefore + 6);
    }
    expect((await listOf(parked(streams, "all"))).length).toBeLessThanOrEqual(2);
    isDown = false;
    await expect.poll(() => handled.size, { timeout: 5_000 }).toBe(count);
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
  });

  test("of one process alone are over when it stops: another tries what it has parked", async () => {
    await using streams = await open();
    const next: string[] = [];
    const handled = new Set<unknown>();
    const options = { partitions: 2, leaseMs: 300 };
    const broken = await startAll(streams, next, async () => Promise.reject(new Error("down")), options);
    const handle = async ({ streamId }: StoredEvent) => void handled.add(streamId);
    await using healthy = await startAll(streams, [], handle, options);
    let count = 0;
    let last = 0;
    const writeMore = async (): Promise<void> => {
      const streamIds = Array.from({ length: 10 }, (_, index) => `${count + index}`);
      count += 10;
      last =
        (await streams.writeAll(streamIds.map((streamId) => ({ streamId, events: numbered(1) })))).at(-1)?.position ??
        0;
    };
    await expect.poll(() => writeMore().then(() => next)).toContain("pause");
    // One more success of the healthy one ends what might be an outage of all.
    const before = handled.size;
    await writeMore();
    await expect.poll(() => handled.size).toBeGreaterThan(before);
    await broken.stop();
    await healthy.whenProcessed(last);
    await expect.poll(() => handled.size).toBe(count);
  });

  test.each(["handle", "transact"] as const)(
    "end with the next event that succeeds: with %s, four bad streams in a row were no outage, and are parked",
    async (mode) => {
      await using streams = await open();
      const handled: unknown[] = [];
      const next: string[] = [];
      const handle = async ({ data }: StoredEvent) => {
        if ((data as number) < 4) throw new Error("poison");
        handled.push(data);
      };
      const options = { retry: { ...LONG_PAUSE, maxDelayMs: 20 } };
      const definition = { name: "all", types: ["Numbered"], startFrom: "beginning", [mode]: handle } as const;
      const start = () => consume(streams, definition, { ...options, onError: (failure) => next.push(failure.next) });
      await writeToStreams(streams, 4);
      for (const _ of ["first start", "second start"]) {
        next.length = 0;
        await using _consumer = await start();
        await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(5);
        expect(await listOf(parked(streams, "all"))).toHaveLength(2);
      }
      await (await streams.openStream("s-2")).write(numbered(10));
      const { position } = await (await streams.openStream("s-5")).write([numbered(5), numbered(6)]);
      await using consumer = await start();
      await consumer.whenProcessed(position);
      await expect.poll(() => handled).toEqual([5, 6]);
      await expect
        .poll(async () => (await listOf(parked(streams, "all"))).map((state) => state.error))
        .toEqual(["poison", "poison", "poison", "poison", null]);
      expect(await consumer.lag()).toMatchObject({ parked: 5, events: 0 });
    },
  );

  test.each(["handle", "transact"] as const)(
    "that are none end a consumer that has parked too many: with %s, what was set aside and fails again counts",
    async (mode) => {
      await using streams = await open();
      const handled: unknown[] = [];
      const handle = async ({ data }: StoredEvent) => {
        if ((data as number) < 3) throw new Error("poison");
        handled.push(data);
      };
      await writeToStreams(streams, 4);
      const options = { maxParked: 2, retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
      const definition = { name: "all", types: ["Numbered"], startFrom: "beginning", [mode]: handle } as const;
      for (const _ of ["first start", "second start"]) {
        await using consumer = await consume(streams, definition, options);
        await expect(consumer.ended).rejects.toThrow("maxParked (2)");
      }
      expect(handled).toEqual([3]);
    },
  );

  test.each(["handle", "transact"] as const)(
    "end a consumer that has parked too many: with %s, what was set aside and is not tried again counts",
    async (mode) => {
      await using streams = await open();
      const next: string[] = [];
      const handled: unknown[] = [];
      let isDown = true;
      const handle = async ({ data }: StoredEvent) => {
        if ((data as number) >= 3 && (data as number) < 6) throw new TerminalError("poison");
        if (isDown) throw new Error("down");
        handled.push(data);
      };
      await writeToStreams(streams, 7);
      const definition = { name: "all", types: ["Numbered"], startFrom: "beginning", [mode]: handle } as const;
      const options = { maxParked: 2, retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
      await using consumer = await consume(streams, definition, {
        ...options,
        onError: (failure) => next.push(failure.next),
      });
      await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(9);
      isDown = false;
      await expect(consumer.ended).rejects.toThrow("maxParked (2)");
      expect([...handled].sort()).toEqual([0, 1, 2, 6]);
      expect(await listOf(parked(streams, "all"))).toMatchObject(
        [3, 4, 5].map((index) => ({ streamId: `s-${index}` })),
      );
    },
  );

  test("that are over are none of maxParked: what was set aside is handled, however much it is", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 10);
    const next: string[] = [];
    const handled: unknown[] = [];
    let isDown = true;
    const handle = async ({ data }: StoredEvent) => {
      if (isDown) throw new Error("down");
      handled.push(data);
    };
    const options = { maxParked: 2, retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
    await using consumer = await startAll(streams, next, handle, options);
    await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(14);
    isDown = false;
    await consumer.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test.each(["handle", "transact"] as const)(
    "that are over do not end a consumer for one event: with %s, what is still to be tried again is none of maxParked",
    async (mode) => {
      await using streams = await open();
      const position = await writeToStreams(streams, 12);
      const next: string[] = [];
      const handled: unknown[] = [];
      let isDown = true;
      const handle = async ({ data }: StoredEvent) => {
        if (isDown || data === 3) throw new Error("down");
        handled.push(data);
      };
      const definition = { name: "all", types: ["Numbered"], startFrom: "beginning", [mode]: handle } as const;
      const options = { maxParked: 4, retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
      await using consumer = await consume(streams, definition, {
        ...options,
        onError: (failure) => next.push(failure.next),
      });
      await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(14);
      isDown = false;
      await consumer.whenProcessed(position);
      await expect.poll(() => listOf(parked(streams, "all"))).toMatchObject([{ streamId: "s-3" }]);
      expect(handled).toHaveLength(11);
    },
  );

  test("try no event again whose error says that it does not help, and report it once", async () => {
    await using streams = await open();
    await writeToStreams(streams, 5);
    const failures: [unknown, string][] = [];
    const handled: unknown[] = [];
    let isDown = true;
    const options = { retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }) => {
          if (data === 3) throw new TerminalError("poison");
          if (isDown) throw new Error("down");
          handled.push(data);
        },
      },
      { ...options, onError: ({ event, next }) => failures.push([event.data, next]) },
    );
    await expect.poll(() => failures.filter(([data]) => data === 4).length).toBeGreaterThan(5);
    isDown = false;
    const { position } = await (await streams.openStream("s-5")).write(numbered(5));
    await consumer.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 4, 5]);
    expect(failures.filter(([data]) => data === 3)).toEqual([[3, "park"]]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ streamId: "s-3", attempts: 1, error: "poison" }]);
  });

  test("that are long set aside what comes, and handle each event once and in order when they are over", async () => {
    await using streams = await open();
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    let position = 0;
    for (let round = 0; round < 4; round += 1) position = await writeToStreams(streams, 5, round * 10);
    await using consumer = await consume(
      streams,
      {
        name: "all",
        types: ["Numbered"],
        startFrom: "beginning",
        transact: async ({ streamId, data }) => {
          if (isDown) throw new Error("down");
          handled.push([streamId, data]);
        },
      },
      { retry: { ...LONG_PAUSE, maxDelayMs: 1 }, onError: (failure) => next.push(failure.next) },
    );
    await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(20);
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await consumer.whenProcessed(position);
    await expect.poll(() => handled.length).toBe(20);
    for (let stream = 0; stream < 5; stream += 1) {
      const data = handled.flatMap((each) =>
        (each as [string, number])[0] === `s-${stream}` ? [(each as [string, number])[1]] : [],
      );
      expect(data).toEqual([stream, 10 + stream, 20 + stream, 30 + stream]);
    }
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
    expect(await consumer.lag()).toMatchObject({ parked: 0, events: 0 });
  });

  test("try what waited behind a set-aside event that was removed by force", async () => {
    await using streams = await open();
    const failed: unknown[] = [];
    const handled: unknown[] = [];
    let isDown = true;
    await writeToStreams(streams, 3);
    const last = await streams.openStream("s-2");
    await last.write([numbered(3)]);
    await using _consumer = await consume(
      streams,
      {
        name: "all",
        types: ["Numbered"],
        startFrom: "beginning",
        handle: async ({ data }) => {
          failed.push(data);
          if (isDown) throw new Error("down");
          handled.push(data);
        },
      },
      { partitions: 1, leaseMs: 86_400_000, retry: { ...LONG_PAUSE, maxDelayMs: 1 }, onError: () => undefined },
    );
    await expect.poll(() => failed.filter((data) => data === 2).length).toBeGreaterThan(5);
    await streams.pruneStream("s-2", { before: 2, force: true });
    await expect.poll(() => failed).toContain(3);
    isDown = false;
    await expect.poll(() => handled).toEqual(expect.arrayContaining([0, 1, 3]));
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
  });

  test("are over once a process stops that has handled an event", async () => {
    await using streams = await open();
    await writeToStreams(streams, 4);
    const next: string[] = [];
    const first = await startAll(streams, next, async () => Promise.reject(new Error("down")));
    await expect.poll(() => next).toContain("pause");
    await first.stop();
    const handled: unknown[] = [];
    let stopped: Promise<void> | undefined;
    const second: Promise<Consumer> = startAll(streams, [], async ({ data }) => {
      handled.push(data);
      stopped = (await second).stop();
    });
    await expect.poll(() => stopped !== undefined).toBe(true);
    await stopped;
    expect(await recordOf(streams, CONSUMER_GROUPS_SPACE, "all")).toMatchObject({ failing: null, members: {} });
    expect(handled).toEqual([2]);
  });

  test("leave no trace of what was never parked, however many processes begin and end in one", async () => {
    await using streams = await open();
    await writeToStreams(streams, 8);
    for (const _ of ["first", "second", "third"]) {
      const next: string[] = [];
      const options = { partitions: 64, retry: { ...LONG_PAUSE, maxDelayMs: 1 } };
      const consumer = await startAll(streams, next, async () => Promise.reject(new Error("down")), options);
      await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(15);
      await consumer.stop();
    }
    const streamIds = (await listOf(parked(streams, "all"))).map(({ streamId }) => streamId);
    const { failing } = (await recordOf(streams, CONSUMER_GROUPS_SPACE, "all")) as { failing: { streams: string[] } };
    expect([...failing.streams].sort()).toEqual(streamIds.sort());
  });

  test("are over with a later renewal where the store could not note their end", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 4);
    const next: string[] = [];
    const handled: unknown[] = [];
    let isDown = true;
    const { storage } = storeAccessOf(streams, "test");
    const transact = storage.transact.bind(storage);
    const handle = async ({ data }: StoredEvent) => {
      if (isDown) throw new Error("down");
      handled.push(data);
      let failures = 1;
      storage.transact = (work, options) => {
        if (failures-- > 0) return Promise.reject(new StorageError("STORAGE_UNAVAILABLE", "unreachable"));
        return transact(work, options);
      };
    };
    await using consumer = await startAll(streams, next, handle, {
      leaseMs: 300,
      retry: { ...LONG_PAUSE, maxDelayMs: 1 },
    });
    await expect.poll(() => next).toContain("pause");
    isDown = false;
    await consumer.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3]);
  });

  test("are over once a parked event succeeds that was asked for", async () => {
    await using streams = await open();
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    await writeToStreams(streams, 2);
    await using _consumer = await startAll(streams, next, async ({ data }) => {
      if (isDown || data === "poison") throw new Error("down");
      handled.push(data);
    });
    await expect.poll(() => listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await retryParked(streams, "all");
    await expect.poll(() => handled).toEqual([0, 1]);
    const [poison, good] = await Promise.all([streams.openStream("poison"), streams.openStream("good")]);
    await poison.write({ type: "Numbered", data: "poison" });
    await good.write(numbered(2));
    await expect.poll(() => handled).toEqual([0, 1, 2]);
    expect(next).not.toContain("pause");
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ streamId: "poison" }]);
  });
});

describe.each(SHARED_STORES)("outages of one process alone, over %s", (_, makeStore) => {
  test("are over when it is killed: another tries what it has parked", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    const options = { partitions: 2, leaseMs: 300 };
    const next: string[] = [];
    const handled = new Set<string>();
    const handle = async ({ streamId }: StoredEvent) => void handled.add(streamId);
    await using broken = await startAll(ours, next, async () => Promise.reject(new Error("down")), options);
    await using healthy = await startAll(theirs, [], handle, options);
    let count = 0;
    let last = 0;
    const writeMore = async (): Promise<void> => {
      const streamIds = Array.from({ length: 10 }, (_, index) => `${count + index}`);
      count += 10;
      const results = await theirs.writeAll(streamIds.map((streamId) => ({ streamId, events: numbered(1) })));
      last = results.at(-1)?.position ?? 0;
    };
    await expect.poll(() => writeMore().then(() => next), { timeout: 5_000 }).toContain("pause");
    // One more success of the healthy one ends what might be an outage of all.
    const before = handled.size;
    await writeMore();
    await expect.poll(() => handled.size).toBeGreaterThan(before);
    // Nothing of it reaches the store any more.
    const { storage } = storeAccessOf(ours, "test");
    storage.transact = () => Promise.reject(new StorageError("STORAGE_UNAVAILABLE", "killed"));
    void broken.stop({ drainMs: 0 });
    await healthy.whenProcessed(last, { timeoutMs: 5_000 });
    await expect.poll(() => handled.size, { timeout: 5_000 }).toBe(count);
    expect(await listOf(parked(theirs, "all"))).toEqual([]);
  });
});

function startAll(
  streams: Store,
  next: string[],
  handle: NonNullable<ConsumerDefinition["handle"]>,
  options: ConsumerOptions = {},
) {
  return consume(
    streams,
    { name: "all", startFrom: "beginning", handle },
    { retry: LONG_PAUSE, onError: (failure) => next.push(failure.next), ...options },
  );
}
