import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { StoredEvent } from "../../../index.js";
import { consume, dropConsumer, retryParked } from "../../../src/consumers/index.js";
import { viewOf } from "../../../src/view/store-view.js";
import { Gate } from "../../conformance/support/transactions.js";
import { collecting } from "./support/collecting.js";
import { STORES, writeToStreams } from "./support/stores.js";

const SHORT = { leaseMs: 300 };

describe.each(STORES)("partitions over %s", (_, open) => {
  test("are handled side by side, and one that is slow holds up no other", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 16);
    const handled = new Set<unknown>();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }) => {
          if (data === 0) await held;
          handled.add(data);
        },
      },
      { partitions: 8 },
    );
    // More than is read ahead: the partition that is held has no room for its events.
    for (let round = 1; round <= 40; round += 1) await writeToStreams(streams, 16, round * 100);
    const ofHeld = streamsOfPartition(0);
    await expect.poll(() => handled.size).toBe(41 * (16 - ofHeld.length));
    release();
    await consumer.whenProcessed(position + 40 * 16);
    expect(handled.size).toBe(41 * 16);
  });

  test("are shared between those who run the consumer, and taken over when one stops", async () => {
    await using streams = await open();
    const handled: (readonly [string, unknown])[] = [];
    const start = (owner: string) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent) => void handled.push([owner, data]),
        },
        { partitions: 4, ...SHORT },
      );
    const first = await start("first");
    await using second = await start("second");
    await expect
      .poll(async () => {
        handled.length = 0;
        await second.whenProcessed(await writeToStreams(streams, 32));
        return new Set(handled.map(([owner]) => owner)).size;
      })
      .toBe(2);
    expect(handled.map(([, data]) => data).sort()).toEqual(Array.from({ length: 32 }, (_, index) => index).sort());

    await first.stop();
    handled.length = 0;
    await second.whenProcessed(await writeToStreams(streams, 32));
    expect(new Set(handled.map(([owner]) => owner))).toEqual(new Set(["second"]));
    expect(handled).toHaveLength(32);
  });

  test("are taken over at once when one stops in the same process, with what it has left undone", async () => {
    await using streams = await open();
    const begun: [string, unknown][] = [];
    const start = (owner: string, end: Promise<void>) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent) => {
            begun.push([owner, data]);
            await end;
          },
        },
        // No renewal brings it in time.
        { leaseMs: 86_400_000 },
      );
    const first = await start("first", new Promise(() => undefined));
    await using _second = await start("second", Promise.resolve());
    await writeToStreams(streams, 1);
    await expect.poll(() => begun).toEqual([["first", 0]]);
    await first.stop({ drainMs: 0 });
    await expect.poll(() => begun.slice(1)).toEqual([["second", 0]]);
  });

  test("may be another number after a restart, and each event is handled once", async () => {
    await using streams = await open();
    const counts = new Map<unknown, number>();
    let written = 0;
    for (const partitions of [4, 6, 2, 3]) {
      await using _ = await consume(
        streams,
        {
          name: "all",
          types: ["Numbered"],
          startFrom: "beginning",
          transact: async ({ data }) => void counts.set(data, (counts.get(data) ?? 0) + 1),
        },
        { partitions, ...SHORT },
      );
      for (let round = 0; round < 5; round += 1) {
        await writeToStreams(streams, 20, written);
        written += 20;
      }
      // Some are left to the next number of partitions.
      await expect.poll(() => counts.size).toBeGreaterThan(written - 90);
    }
    await using last = await consume(
      streams,
      {
        name: "all",
        types: ["Numbered"],
        startFrom: "beginning",
        transact: async ({ data }) => void counts.set(data, (counts.get(data) ?? 0) + 1),
      },
      { partitions: 5, ...SHORT },
    );
    await last.whenProcessed(written);
    expect(counts.size).toBe(written);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });

  test("may be another number after a restart, and events that have failed go on with their attempts", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const attempts: (readonly [unknown, number])[] = [];
    for (const partitions of [2, 1, 4]) {
      const begun = attempts.length;
      await using _ = await consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent, { attempt }) => {
            attempts.push([data, attempt]);
            throw new Error("broken");
          },
        },
        { partitions, ...SHORT, retry: { attempts: 1_000, minDelayMs: 1, maxDelayMs: 5 } },
      );
      // Of one partition the first event fails alone.
      await expect.poll(() => attempts.length).toBeGreaterThan(begun + 2);
    }
    for (const event of [0, 1]) {
      const counts = attempts.filter(([data]) => data === event).map(([, count]) => count);
      expect(counts).toEqual(counts.map((_, index) => index + 1));
    }
  });

  test("are changed once nobody handles an event of those before, and nothing is handled twice", async () => {
    await using streams = await open();
    const last = await writeToStreams(streams, 12);
    const begun: unknown[] = [];
    const gate = new Gate();
    const definition = collecting([], {
      handle: async ({ data }) => {
        begun.push(data);
        if (data === 0) await gate.opened;
      },
    });
    // No renewal brings the change in time.
    const lease = { leaseMs: 86_400_000 };
    await using first = await consume(streams, definition, { partitions: 2, ...lease });
    await expect.poll(() => begun).toContain(0);
    await using second = await consume(streams, definition, { partitions: 3, ...lease });
    await expect(second.whenProcessed(last, { timeoutMs: 300 })).rejects.toThrow("within timeoutMs");
    expect(begun.filter((data) => data === 0)).toHaveLength(1);
    gate.open();
    await second.whenProcessed(last);
    await first.whenProcessed(last);
    expect(begun.sort()).toEqual(Array.from({ length: 12 }, (_, index) => index).sort());
  });

  test("belong to the process that took them last: the one before records nothing", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const attempts: { owner: string; aborted: () => boolean; token: number }[] = [];
    const started = (owner: string, isSlow: boolean, leaseMs: number) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async (_event: StoredEvent, { signal, fencingToken }) => {
            attempts.push({ owner, aborted: () => signal.aborted, token: fencingToken });
            if (isSlow) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          },
        },
        { leaseMs },
      );
    // It does not renew its lease for a long time, and the other has little patience.
    const slow = await started("slow", true, 60_000);
    await expect.poll(() => attempts.length).toBe(1);
    await using eager = await started("eager", false, 50);
    await eager.whenProcessed(1, { timeoutMs: 20_000 });

    await slow.stop({ drainMs: 0 });
    expect(attempts.map(({ owner }) => owner)).toEqual(["slow", "eager"]);
    expect(attempts[1]?.token).toBeGreaterThan(attempts[0]?.token ?? 0);
  });

  test("are deleted with the consumer, unless a process runs it", async () => {
    await using streams = await open();
    await writeToStreams(streams, 3);
    const seen: unknown[] = [];
    const start = () =>
      consume(streams, {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => void seen.push(data),
      });
    const first = await start();
    await first.whenProcessed(3);
    await expect(dropConsumer(streams, "all")).rejects.toThrow('a process runs "all"');
    await first.stop();
    expect(await dropConsumer(streams, "all")).toBe(true);
    expect(await dropConsumer(streams, "all")).toBe(false);
    await using again = await start();
    await again.whenProcessed(3);
    expect(seen).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

test("no more than 256 events are read ahead", async () => {
  await using streams = memoryStreamFactory();
  for (let round = 0; round < 60; round += 1) await writeToStreams(streams, 20, round * 20);
  let read = 0;
  const view = viewOf(streams, {
    afterRead: async (events) => {
      read += events.length;
      return { events };
    },
  });
  const gate = new Gate();
  let hasBegun = false;
  const handle = async () => {
    hasBegun = true;
    await gate.opened;
  };
  await using consumer = await consume(view, collecting([], { handle }));
  await expect.poll(() => hasBegun).toBe(true);
  for (let answers = 0; answers < 20; answers += 1) await consumer.lag();
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThanOrEqual(256);
  gate.open();
  await consumer.whenProcessed(1_200);
});

test("partitions that are on their way to another process are changed no later than others", async () => {
  await using streams = memoryStreamFactory();
  const last = await writeToStreams(streams, 12);
  const begun: unknown[] = [];
  const definition = collecting([], {
    handle: async ({ data }, { signal }) => {
      begun.push(data);
      if (begun.length <= 2) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  // No renewal brings the change in time, nor does the end of a handler.
  const options = { leaseMs: 86_400_000, handlerTimeoutMs: 86_400_000 };
  await using _first = await consume(streams, definition, { partitions: 2, ...options });
  await expect.poll(() => begun).toHaveLength(2);
  await using _second = await consume(streams, definition, { partitions: 2, ...options });
  // The first looks at the records, and gives one to the second once its handler has ended.
  await retryParked(streams, "all");
  await using third = await consume(streams, definition, { partitions: 3, ...options });
  await third.whenProcessed(last);
  expect(new Set(begun).size).toBe(12);
});

/** The streams of the same partition of 8 as one of them. */
function streamsOfPartition(index: number): string[] {
  const partition = crc32(`s-${index}`) % 8;
  return Array.from({ length: 16 }, (_, other) => `s-${other}`).filter((id) => crc32(id) % 8 === partition);
}
