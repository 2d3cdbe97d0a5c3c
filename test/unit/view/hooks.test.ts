import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import { copyStore } from "../../../copy.js";
import {
  ALL_STREAM,
  createStreamFactory,
  type EventFilter,
  InvalidFilterError,
  type NewEvent,
  type StoredEvent,
} from "../../../index.js";
import { consume } from "../../../src/consumers/index.js";
import { runProjections, whenProcessed } from "../../../src/projections/index.js";
import type { EventHooks } from "../../../src/view/event-hooks.js";
import { viewOf } from "../../../src/view/store-view.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";
import { overriding } from "../../support/overriding.js";
import { plainStorage } from "../../support/plain-storage.js";
import { listOf, STORES } from "../consumers/support/stores.js";

async function soon<T>(value: T): Promise<T> {
  await nextTurn();
  return value;
}

type Note = { readonly text: string };

const textOf = ({ data }: Pick<StoredEvent, "data">): string => (data as Note).text;
const texts = (events: readonly StoredEvent[]): readonly string[] => events.map(textOf);
const noted = (text: string) => ({ type: "Noted", data: { text } });
/** The event with another text. */
const saying = (event: StoredEvent, text: string): StoredEvent => ({ ...event, data: { text } });

/** Stores texts backwards, and gives them to readers as they were: at once, or after a while. */
function backwards(when: <T>(value: T) => T | Promise<T>): EventHooks {
  const turn = (text: string): string => [...text].reverse().join("");
  const stored = (event: NewEvent): NewEvent => {
    const { text } = JSON.parse(String(event.data)) as Note;
    return { ...event, data: JSON.stringify({ text: turn(text) }) };
  };
  return {
    beforeAppend: (_streamId, events) => when(events.map(stored)),
    afterRead: (events) => when({ events: events.map((event) => saying(event, turn(textOf(event)))) }),
    beforeSaveSnapshot: (snapshot) => when({ ...snapshot, state: { ...snapshot.state, codec: "backwards" } }),
    afterLoadSnapshot: (snapshot) =>
      when(snapshot.state.codec === "backwards" ? { ...snapshot, state: { ...snapshot.state, codec: "json" } } : null),
  };
}

/** Marks texts at the call of the write. */
const marked = (mark: string): EventHooks => ({
  beforeEncode: (candidate) => noted(textOf(candidate as StoredEvent) + mark),
  afterRead: (events) => ({ events: events.map((event) => saying(event, textOf(event) + mark)) }),
});

describe.each([
  ["at once", <T>(value: T) => value],
  ["after a while", soon],
])("hooks that answer %s", (_when, when) => {
  describe.each(STORES)("over %s", (_store, open) => {
    test("storage has what the hooks made, and every reader gets what they make of that", async () => {
      await using base = await open();
      const view = viewOf(base, backwards(when));
      await using stream = await view.openStream("a");
      const live = texts(
        await firstOf(stream.watch(), 2, async () => {
          await stream.write([noted("abc"), noted("def")]);
        }),
      );
      await view.transaction(async (tx) => {
        await tx.write("a", noted("ghi"));
        expect(texts(await listOf(tx.read("a")))).toEqual(["abc", "def", "ghi"]);
      });
      await view.writeAll([
        { streamId: "a", events: noted("jkl") },
        { streamId: "b", events: noted("mno") },
      ]);
      const all = ["abc", "def", "ghi", "jkl", "mno"];
      expect(live).toEqual(["abc", "def"]);
      expect(texts(await listOf((await view.openStream(ALL_STREAM)).read()))).toEqual(all);
      expect(texts(await firstOf((await view.openStream(ALL_STREAM)).watch({ after: 0 }), 5))).toEqual(all);
      expect(texts(await listOf((await base.openStream("a")).read()))).toEqual(["cba", "fed", "ihg", "lkj"]);
    });

    test("consumers and projections that are started on a view get what the view gives", async () => {
      await using base = await open();
      const view = viewOf(base, backwards(when));
      const projected: unknown[] = [];
      const inline: unknown[] = [];
      const handled: unknown[] = [];
      const projection = (name: string, seen: unknown[]) => ({
        name,
        project: async (events: readonly StoredEvent[]) => void seen.push(...texts(events)),
      });
      await using _runner = await runProjections(view, [projection("behind", projected)]);
      await using _inline = await runProjections(view, [projection("inside", inline)], { mode: "inline" });
      await using consumer = await consume(view, {
        name: "reader",
        startFrom: "beginning",
        transact: async (event, tx) => {
          const text = textOf(event);
          handled.push(text);
          if (event.streamId === "a") await tx.write("b", noted(`${text}!`));
        },
      });
      // Somebody who knows nothing of the view writes what the view would store.
      const { position } = await (await base.openStream("a")).write(noted("cba"));
      await consumer.whenProcessed(position + 1);
      // It is found through the store as through its view.
      for (const name of ["behind", "inside"]) await whenProcessed(base, name, position + 1);
      expect(handled).toEqual(["abc", "abc!"]);
      expect(projected).toEqual(["abc", "abc!"]);
      expect(inline).toEqual(["abc", "abc!"]);
      expect(texts(await listOf((await base.openStream("b")).read()))).toEqual(["!cba"]);
    });

    test("filters and conditions are matched with what is stored", async () => {
      await using base = await open();
      const view = viewOf(base, backwards(when));
      await using stream = await view.openStream("a");
      const stored: EventFilter = [{ field: "data.text", op: "=", value: "cba" }];
      const seen = firstOf(stream.watch({ filter: stored }), 1);
      await stream.write([noted("xyz"), noted("abc")]);
      expect(texts(await listOf(stream.read({ filter: stored })))).toEqual(["abc"]);
      expect(texts(await listOf(stream.read({ filter: [{ field: "data.text", op: "=", value: "abc" }] })))).toEqual([]);
      expect(texts(await seen)).toEqual(["abc"]);
      const write = { streamId: "b", events: noted("b") };
      const conditional = view.writeAll([write], { conditions: { failIfEventsMatch: stored } });
      await expect(conditional).rejects.toMatchObject({ code: "CONDITION_FAILED", position: 2 });
    });

    test("snapshots are saved as the hooks want them, and one that they do not open is none", async () => {
      await using base = await open();
      const stream = await viewOf(base, backwards(when)).openStream("a");
      await stream.write(noted("abc"));
      await stream.snapshot({ count: 1 });
      expect((await stream.loadSnapshot())?.state).toEqual({ count: 1 });
      const plain = await base.openStream("a");
      await expect(plain.loadSnapshot()).rejects.toMatchObject({ code: "STORAGE_NEWER_SCHEMA" });
      await plain.snapshot({ count: 2 }, { projection: "plain" });
      expect(await stream.loadSnapshot({ projection: "plain" })).toBe(null);
    });
  });
});

describe.each(STORES)("views over %s", (_store, open) => {
  test("stack: the outer one comes first when writing and last when reading", async () => {
    await using base = await open();
    const view = viewOf(viewOf(base, marked("1")), marked("2"));
    await (await view.openStream("a")).write(noted("x"));
    expect(texts(await listOf((await base.openStream("a")).read()))).toEqual(["x21"]);
    expect(texts(await listOf((await view.openStream("a")).read()))).toEqual(["x2112"]);
  });

  test("keep the order of a handle's writes while one is held back", async () => {
    await using base = await open();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const view = viewOf(base, {
      beforeAppend: async (_streamId, events) => {
        const [event] = events;
        if (event?.data === '{"text":"first"}') await held;
        if (event?.data === '{"text":"second"}') throw new Error("no key");
        return events;
      },
    });
    await using stream = await view.openStream("a");
    const [first, second, third] = ["first", "second", "third"].map((text) => stream.write(noted(text)));
    release();
    await expect(second).rejects.toThrow("no key");
    await Promise.all([first, third]);
    expect(texts(await listOf(stream.read()))).toEqual(["first", "third"]);
  });

  test("wait for a hook in a transaction no longer than the transaction may take", async () => {
    await using base = await open();
    const view = viewOf(base, { beforeAppend: () => new Promise(() => undefined) });
    const stuck = view.transaction((tx) => tx.write("a", noted("x")), { timeoutMs: 50 });
    await expect(stuck).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    await (await base.openStream("a")).write(noted("y"));
    expect(texts(await listOf((await base.openStream("a")).read()))).toEqual(["y"]);
  });

  test("deliver the events before one that cannot be read, and then its error", async () => {
    await using base = await open();
    const failing = viewOf(base, {
      afterRead(events) {
        const index = events.findIndex((event) => textOf(event) === "bad");
        if (index === -1) return { events };
        return { events: events.slice(0, index), failure: { error: new Error("unreadable") } };
      },
    });
    await using stream = await failing.openStream("a");
    await stream.write(["1", "2", "bad", "4"].map(noted));
    for (const events of [stream.read(), stream.watch({ after: 0 })]) {
      const seen: unknown[] = [];
      const all = (async () => {
        for await (const event of events) seen.push(textOf(event));
      })();
      await expect(all).rejects.toThrow("unreadable");
      expect(seen).toEqual(["1", "2"]);
    }
    // Whoever begins after it is unharmed.
    expect(texts(await listOf(stream.read({ after: 3 })))).toEqual(["4"]);
  });

  test("leave out events of which nobody is to know, and go on behind them", async () => {
    await using base = await open();
    const view = viewOf(base, {
      afterRead: (events) => ({ events: events.filter((event) => textOf(event) !== "secret") }),
    });
    await using stream = await view.openStream("a");
    const live = firstOf(stream.watch(), 2);
    await stream.write(["1", "secret", "2"].map(noted));
    expect(texts(await live)).toEqual(["1", "2"]);
    expect(texts(await listOf(stream.read({ limit: 2 })))).toEqual(["1", "2"]);
    expect(texts(await listOf(stream.read({ direction: "backward" })))).toEqual(["2", "1"]);
  });

  test("refuse a filter that a hook refuses, wherever it is given", async () => {
    await using base = await open();
    const view = viewOf(base, {
      checkFilter: (clauses) => {
        if (clauses.some(({ field }) => field === "data")) throw new InvalidFilterError(0, "It is sealed.");
      },
    });
    const filter: EventFilter = [{ field: "data.email", op: "=", value: "a" }];
    await using stream = await view.openStream("a");
    const calls = [
      () => listOf(stream.read({ filter })),
      () => firstOf(stream.watch({ filter }), 1),
      () => view.transaction((tx) => listOf(tx.read("a", { filter }))),
      () => view.transaction((tx) => tx.require({ failIfEventsMatch: filter })),
      () => view.writeAll([{ streamId: "a" }], { conditions: { failIfEventsMatch: filter } }),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "INVALID_FILTER" });
    expect(await listOf(stream.read({ filter: [{ field: "type", op: "=", value: "A" }] }))).toEqual([]);
  });

  test("leave to archives, copies and workers what is stored", async () => {
    await using base = await open();
    const view = viewOf(base, marked("1"));
    await (await view.openStream("a")).write([noted("x"), noted("y")]);
    await using target = memoryStreamFactory();
    await copyStore(view, target);
    expect(texts(await listOf((await target.openStream("a")).read()))).toEqual(["x1", "y1"]);
    const { port1, port2 } = new MessageChannel();
    {
      using _exposed = exposeStreams(view, port1);
      await using worker = await connectStreams(port2);
      expect(texts(await listOf((await worker.openStream("a")).read()))).toEqual(["x1", "y1"]);
      // A worker has a view of its own.
      const own = viewOf(worker, marked("2"));
      await (await own.openStream("a")).write(noted("z"));
      expect(texts(await listOf((await own.openStream("a")).read()))).toEqual(["x12", "y12", "z22"]);
    }
    const archived: StoredEvent[] = [];
    await view.pruneStream("a", { before: 3, archive: async (events) => void archived.push(...events) });
    expect(texts(archived)).toEqual(["x1", "y1"]);
  });

  test("are the store: its calls, its disposal, and what decorators below have added", async () => {
    const base = await open();
    const extended = Object.assign(viewOf(base, marked("1")), { forget: async (who: string) => `${who} is forgotten` });
    const view = viewOf(extended, marked("2"));
    expect(await view.forget("ada")).toBe("ada is forgotten");
    for (const call of Object.keys(base)) expect(view).toHaveProperty(call);
    await view[Symbol.asyncDispose]();
    await expect(base.openStream("a")).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });
});

test("a store that can only append has views as well, and no calls that it does not have", async () => {
  const memory = new MemoryStorageHandle();
  const base = createStreamFactory({ storage: plainStorage(memory), notifier: new MemoryNotifier(memory) });
  await using view = viewOf(base, backwards(soon));
  await using stream = await view.openStream("a");
  await stream.write(noted("abc"));
  expect(texts(await listOf(stream.read()))).toEqual(["abc"]);
  expect(view).not.toHaveProperty("transaction");
});

test("while the hooks of a read are at a page, storage is at the next one", async () => {
  const memory = new MemoryStorageHandle();
  let pages = 0;
  const storage = overriding(memory, {
    readPage: async (query) => {
      pages += 1;
      return memory.readPage(await soon(query));
    },
  });
  const base = createStreamFactory({ storage, notifier: new MemoryNotifier(memory) });
  const pagesBefore: number[] = [];
  await using view = viewOf(base, {
    afterRead: (events) => {
      pagesBefore.push(pages);
      return { events };
    },
  });
  await using stream = await view.openStream("a");
  await stream.write(Array.from({ length: 3_000 }, (_, number) => noted(`${number}`)));
  pages = 0;
  pagesBefore.length = 0;
  const read = texts(await listOf(stream.read()));
  expect(read).toEqual(Array.from({ length: 3_000 }, (_, number) => `${number}`));
  // Who stops early needs no more than the first page. The last one has none behind it.
  expect(pagesBefore).toEqual([1, ...Array.from({ length: pages - 2 }, (_, index) => index + 3), pages]);

  pages = 0;
  expect(await listOf(stream.read({ limit: 200 }))).toHaveLength(200);
  expect(pages).toBe(2);
});

test("a read whose hook throws fails with that, and has given no event behind the ones that the hook had before", async () => {
  const base = await memoryStreamFactory();
  let opened = 0;
  await using view = viewOf(base, {
    afterRead: (events) => {
      opened += 1;
      if (opened === 2) throw new TypeError("not this page");
      return { events };
    },
  });
  await using stream = await base.openStream("a");
  await stream.write(Array.from({ length: 1_000 }, (_, number) => noted(`${number}`)));
  const given: string[] = [];
  await using reading = await view.openStream("a");
  const reader = async (): Promise<void> => {
    for await (const event of reading.read()) given.push(textOf(event));
  };
  await expect(reader()).rejects.toThrow("not this page");
  expect(given).toEqual(Array.from({ length: given.length }, (_, number) => `${number}`));
  expect(given.length).toBeLessThan(1_000);
});

/** The first events of a watch, once it has begun and something was written. */
async function firstOf(
  watch: AsyncIterable<StoredEvent>,
  count: number,
  write: () => Promise<void> = async () => undefined,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  const iterator = watch[Symbol.asyncIterator]();
  let next = iterator.next();
  await write();
  for (;;) {
    const { value, done } = await next;
    if (done) return events;
    events.push(value);
    if (events.length === count) break;
    next = iterator.next();
  }
  await iterator.return?.();
  return events;
}
