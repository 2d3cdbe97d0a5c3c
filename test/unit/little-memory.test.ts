import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { ALL_STREAM, type ReadOptions, type StoredEvent, type Stream } from "../../protocols/index.js";
import { FIRST_PAGE_EVENTS } from "../../src/limits.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import type { EventHooks } from "../../src/view/event-hooks.js";
import { viewOf } from "../../src/view/store-view.js";
import { overriding } from "../support/overriding.js";

// Less than a page takes, so that whoever holds events loses them to the next one.
vi.mock("../../src/limits.js", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  MAX_STORE_MEMORY_BYTES: 1024 * 1024,
}));

const EVENTS = 200;
const PADDING = "x".repeat(2_000);
const event = (number: number) => ({ type: number % 2 === 0 ? "Even" : "Odd", data: { number, PADDING } });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** Leaves out nothing, and takes its time. */
const SLOW_HOOKS: EventHooks = {
  afterRead: async (events) => {
    await nextTurn();
    return { events: events.map((each) => ({ ...each })) };
  },
};

const KINDS: [string, EventHooks][] = [
  ["a store", {}],
  ["a view of a store", SLOW_HOOKS],
];

function openStore(hooks: EventHooks) {
  const storage = new MemoryStorageHandle();
  const pages = { read: 0 };
  const readPage: MemoryStorageHandle["readPage"] = (query) => {
    pages.read += 1;
    return storage.readPage(query);
  };
  const store = createStreamFactory({
    storage: overriding(storage, { readPage }),
    notifier: new MemoryNotifier(storage),
  });
  return { streams: viewOf(store, hooks), pages };
}

/** Takes events from all consumers by turns, so that each of them is slow for the others. */
async function takeByTurns(consumers: readonly AsyncIterable<StoredEvent>[], count: number): Promise<number[][]> {
  const iterators = consumers.map((consumer) => consumer[Symbol.asyncIterator]());
  const taken = consumers.map((): number[] => []);
  for (let round = 0; round < count; round += 1) {
    for (const [index, iterator] of iterators.entries()) {
      const { value, done } = await iterator.next();
      if (!done) taken[index]?.push((value.data as { number: number }).number);
    }
  }
  for (const iterator of iterators) await iterator.return?.();
  return taken;
}

describe.each(KINDS)("with less memory than the consumers of %s would hold", (_kind, hooks) => {
  const filter = [{ field: "type", op: "=", value: "Even" }] as const;
  const even = upTo(EVENTS).filter((number) => number % 2 === 0);
  const cases: [string, string, ReadOptions, number[]][] = [
    ["forward", "a", {}, upTo(EVENTS)],
    ["backward", "a", { direction: "backward" }, upTo(EVENTS).reverse()],
    ["of @all", ALL_STREAM, {}, upTo(EVENTS)],
    ["of @all backward", ALL_STREAM, { direction: "backward" }, upTo(EVENTS).reverse()],
    ["with a filter", "a", { filter }, even],
    ["with a filter backward", "a", { filter, direction: "backward" }, [...even].reverse()],
    ["with a limit", "a", { after: 7, limit: 150 }, upTo(EVENTS).slice(7, 157)],
    ["up to a place", "a", { after: 7, upTo: 180 }, upTo(180).slice(7)],
  ];
  test.each(cases)("reads %s have every event once and in order", async (_, streamId, options, expected) => {
    const { streams } = openStore(hooks);
    await using _streams = streams;
    await (await streams.openStream("a")).write(upTo(EVENTS).map(event));
    const stream = await streams.openStream(streamId);
    const readers = Array.from({ length: 4 }, () => stream.read(options));

    for (const taken of await takeByTurns(readers, EVENTS + 1)) expect(taken).toEqual(expected);
  });

  test.each(["a", ALL_STREAM])("watches of %s have every event once and in order", async (streamId) => {
    const { streams, pages } = openStore(hooks);
    await using _streams = streams;
    const writer = await streams.openStream("a");
    const stream: Stream = await streams.openStream(streamId);
    await writer.write(upTo(EVENTS / 2).map(event));
    const heard: number[] = [];
    stream.watch({ after: 0 }).subscribe(({ data }) => heard.push((data as { number: number }).number));
    const taking = takeByTurns(
      Array.from({ length: 4 }, () => stream.watch({ after: 0 })),
      EVENTS,
    );
    for (let number = EVENTS / 2 + 1; number <= EVENTS; number += 1) await writer.write(event(number));

    for (const taken of await taking) expect(taken).toEqual(upTo(EVENTS));
    await vi.waitFor(() => expect(heard).toEqual(upTo(EVENTS)));
    // Each page holds a part of what there is, and what did not stay in memory was read again.
    expect(pages.read).toBeGreaterThan(30);
  });
});

test("a read that loses its page at once gets every event before one that cannot be read, and then its error", async () => {
  const unreadable = FIRST_PAGE_EVENTS;
  const { streams } = openStore({
    afterRead: (events) => {
      const index = events.findIndex(({ version }) => version === unreadable);
      return index === -1
        ? { events }
        : { events: events.slice(0, index), failure: { error: new Error("unreadable") } };
    },
  });
  await using _streams = streams;
  const stream = await streams.openStream("a");
  await stream.write(upTo(EVENTS).map(event));
  const reader = stream.read()[Symbol.asyncIterator]();

  for (const version of upTo(unreadable - 1)) expect((await reader.next()).value).toMatchObject({ version });
  await expect(reader.next()).rejects.toThrow("unreadable");
});

test("with little memory, watches that nobody takes from hold next to nothing, and one that is taken from stays live", async () => {
  const { streams, pages } = openStore({});
  await using _streams = streams;
  const stream = await streams.openStream("a");
  const abandoned = Array.from({ length: 20 }, () => stream.watch()[Symbol.asyncIterator]());
  const firsts = abandoned.map((iterator) => iterator.next());
  const live: number[] = [];
  stream.watch().subscribe(({ version }) => live.push(version));
  await vi.waitFor(() => expect(pages.read).toBe(abandoned.length + 1));
  for (const number of upTo(EVENTS)) await stream.write(event(number));
  await Promise.all(firsts);

  await vi.waitFor(() => expect(live).toEqual(upTo(EVENTS)));
  expect(pages.read).toBe(abandoned.length + 1);
  for (const iterator of abandoned) {
    for (const version of upTo(EVENTS).slice(1)) expect((await iterator.next()).value).toMatchObject({ version });
  }
});

test("a read that waits for its next page gets it, although it loses what it holds meanwhile", async () => {
  const storage = new MemoryStorageHandle();
  let letThrough = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  const readPage: MemoryStorageHandle["readPage"] = async (query) => {
    if (query.streamId === "slow" && query.after > 0) await gate;
    query.signal?.throwIfAborted();
    return storage.readPage(query);
  };
  await using streams = createStreamFactory({
    storage: overriding(storage, { readPage }),
    notifier: new MemoryNotifier(storage),
  });
  const [slow, other] = [await streams.openStream("slow"), await streams.openStream("other")];
  const padded = (characters: number) => ({ type: "Padded", data: "x".repeat(characters) });
  await slow.write(upTo(EVENTS).map(() => padded(1_000)));
  await other.write(upTo(EVENTS).map(() => padded(8_000)));
  const reader = slow.read()[Symbol.asyncIterator]();
  for (const version of upTo(FIRST_PAGE_EVENTS)) expect((await reader.next()).value).toMatchObject({ version });
  const next = reader.next();
  const others = Array.from({ length: 4 }, () => other.read()[Symbol.asyncIterator]());
  for (const iterator of others) await iterator.next();
  letThrough();

  expect((await next).value).toMatchObject({ version: FIRST_PAGE_EVENTS + 1 });
});
