import { describe, expect, test } from "vitest";
import { z } from "zod";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { ALL_STREAM, type EventFilter, type StoredEvent } from "../../../index.js";
import { type EventTypes, event, typed } from "../../../src/events/index.js";
import { revoked } from "../../support/revoked.js";
import { listOf, STORES } from "../consumers/support/stores.js";
import { ALL_AS_3, dataOf, readAs3, release, writeAs, writeAsEach } from "./support/owners.js";

/** Reads until it ends or fails. */
async function readUntilFailure(events: AsyncIterable<StoredEvent>) {
  const read: StoredEvent[] = [];
  try {
    for await (const each of events) read.push(each);
    return { read, error: undefined };
  } catch (error) {
    return { read, error };
  }
}

/** The first event, or the failure. */
async function readFirst(events: AsyncIterable<StoredEvent>) {
  try {
    for await (const each of events) return { read: [each], error: undefined };
    return { read: [], error: undefined };
  } catch (error) {
    return { read: [], error };
  }
}

describe.each(STORES)("events of three releases, over %s", (_store, open) => {
  test("come at the version of the last to reads, watches and transactions", async () => {
    await using streams = await open();
    const newest = release(streams, 3);
    await using stream = await newest.openStream("a");
    const live = watched(stream.watch(), 3);
    await live.begun;
    await writeAsEach(streams);
    expect(dataOf(await listOf(stream.read()))).toEqual(ALL_AS_3);
    expect(dataOf(await listOf(stream.read({ direction: "backward" })))).toEqual(ALL_AS_3.toReversed());
    expect(dataOf(await listOf((await newest.openStream(ALL_STREAM)).read()))).toEqual(ALL_AS_3);
    expect(dataOf(await newest.transaction((tx) => listOf(tx.read("a"))))).toEqual(ALL_AS_3);
    expect(dataOf(await watched(stream.watch({ after: 0 }), 3).events)).toEqual(ALL_AS_3);
    expect(dataOf(await live.events)).toEqual(ALL_AS_3);
    // They also say so, and storage keeps what was written.
    const versions = (all: readonly StoredEvent[]) => all.map(({ metadata }) => metadata?.schemaVersion);
    expect(versions(await listOf(stream.read()))).toEqual([3, 3, 3]);
    expect(versions(await listOf((await streams.openStream("a")).read()))).toEqual([undefined, 2, 3]);
  });

  test("are found by filters as they were stored", async () => {
    await using streams = await open();
    await writeAsEach(streams);
    await using stream = await release(streams, 3).openStream("a");
    const found = async (filter: EventFilter) => dataOf(await listOf(stream.read({ filter })));
    expect(await found([{ field: "data.owner", op: "=", value: "ada" }])).toEqual([readAs3("ada")]);
    expect(await found([{ field: "data.currency", op: "=", value: "EUR" }])).toEqual([readAs3("bob"), readAs3("eve")]);
    expect(await found([{ field: "metadata.schemaVersion", op: "=", value: 2 }])).toEqual([readAs3("bob")]);
  });

  test("end the read of an older release with the place of the first that it does not know", async () => {
    await using streams = await open();
    await writeAs(streams, 1, "ada");
    await writeAs(streams, 2, "bob");
    const position = await writeAs(streams, 3, "eve");
    await using stream = await release(streams, 2).openStream("a");
    const expected = {
      name: "EventVersionError",
      code: "EVENT_VERSION",
      streamId: "a",
      version: 3,
      position,
      type: "Opened",
      schemaVersion: 3,
      message: expect.stringMatching(/its data have version 3, and the catalogue of this process knows 2/),
    };
    for (const events of [stream.read(), stream.watch({ after: 0 })]) {
      const { read, error } = await readUntilFailure(events);
      expect(dataOf(read)).toEqual([
        { owner: "ada", currency: "EUR" },
        { owner: "bob", currency: "EUR" },
      ]);
      expect(error).toMatchObject(expected);
    }
    const reading = release(streams, 2).transaction((tx) => listOf(tx.read("a")));
    await expect(reading).rejects.toMatchObject(expected);
  });
});

describe("a type that the catalogue does not have", () => {
  const open = async (unknown?: "throw" | "skip" | "keep") => {
    const streams = memoryStreamFactory();
    await (await streams.openStream("a")).write([
      { type: "Known", data: 1 },
      { type: "Unknown", data: 2 },
      { type: "SubjectForgotten", data: 3 },
      { type: "Known", data: 4 },
    ]);
    return typed(streams, { Known: event<number>() }, { unknown }).openStream("a");
  };

  test("ends a read, unless a filter leaves it out", async () => {
    const { read, error } = await readUntilFailure((await open()).read());
    expect(dataOf(read)).toEqual([1]);
    expect(error).toMatchObject({ code: "EVENT_VERSION", type: "Unknown", version: 2, schemaVersion: 1 });
    const types: EventFilter = [{ field: "type", op: "=", value: "Known" }];
    expect(dataOf(await listOf((await open()).read({ filter: types })))).toEqual([1, 4]);
  });

  test("is left out, or kept as it is, where that is wanted", async () => {
    expect(dataOf(await listOf((await open("skip")).read()))).toEqual([1, 3, 4]);
    expect(dataOf(await listOf((await open("skip")).read({ limit: 2 })))).toEqual([1, 3]);
    expect(dataOf(await listOf((await open("keep")).read()))).toEqual([1, 2, 3, 4]);
  });

  test("is nobody's business where it is one of the library", async () => {
    const streams = memoryStreamFactory();
    await (await streams.openStream("a")).write({ type: "Known", data: 1 });
    await streams.deleteStream("a");
    const all = await typed(streams, { Known: event<number>() }).openStream(ALL_STREAM);
    expect((await listOf(all.read())).map(({ type }) => type)).toEqual(["@deleted"]);
  });
});

describe.each(STORES)("an event whose upcast throws, over %s", (_store, open) => {
  const stored = { type: "Made", data: { size: 1 } };
  const v1 = event<{ size: number }>();

  test("names what its upcast threw, as often as it is read, and harms nobody who begins after it", async () => {
    const cause = new RangeError("no size");
    let calls = 0;
    const made = v1.next((): { size: number } => {
      calls += 1;
      throw cause;
    });
    await using streams = await open();
    await (await streams.openStream("a")).write([stored, { ...stored, metadata: { schemaVersion: 2 } }]);
    const stream = await typed(streams, { Made: made }).openStream("a");
    for (const events of [stream.read(), stream.watch({ after: 0 }), stream.watch({ after: 0 })]) {
      const { read, error } = await readUntilFailure(events);
      expect(read).toEqual([]);
      expect(error).toMatchObject({ code: "EVENT_VERSION", version: 1, cause });
    }
    expect(calls).toBe(3);
    expect((await watched(stream.watch({ after: 1 }), 1).events).length).toBe(1);
  });

  test("ends one watch that waits for it, and another one gets it whole: nothing of it is kept", async () => {
    await using streams = await open();
    const cause = new RangeError("not now");
    let calls = 0;
    const made = v1.next(({ size }) => {
      calls += 1;
      if (calls === 1) throw cause;
      return { sizes: [size] };
    });
    const stream = await typed(streams, { Made: made }).openStream("a");
    const first = readFirst(stream.watch());
    const second = readFirst(stream.watch());
    await (await streams.openStream("a")).write(stored);
    const outcomes = [await first, await second];

    const whole = { data: { sizes: [1] }, metadata: { schemaVersion: 2 } };
    expect(outcomes.filter(({ error }) => error !== undefined)).toMatchObject([
      { error: { code: "EVENT_VERSION", cause } },
    ]);
    expect(outcomes.filter(({ error }) => error === undefined)).toMatchObject([{ read: [whole] }]);
    expect(await listOf(stream.read())).toMatchObject([whole]);
  });
});

describe("an event that cannot be brought to the current version", () => {
  const stored = { type: "Made", data: { size: 1 } };
  const v1 = event<{ size: number }>();

  test("is named also where its upcast throws what cannot be looked at", async () => {
    await using streams = memoryStreamFactory();
    await (await streams.openStream("a")).write(stored);
    const made = v1.next((): { size: number } => {
      throw revoked();
    });
    const { error } = await readUntilFailure((await typed(streams, { Made: made }).openStream("a")).read());
    expect(error).toMatchObject({ code: "EVENT_VERSION", version: 1, cause: expect.any(Error) });
  });

  const failing = (types: EventTypes, validateReads = false) => typed(memoryStreamFactory(), types, { validateReads });

  async function errorOf(
    types: EventTypes,
    metadata: { schemaVersion?: unknown } | null = null,
    validateReads = false,
  ) {
    const streams = memoryStreamFactory();
    await (await streams.openStream("a")).write({ ...stored, metadata: metadata as null });
    return (await readUntilFailure((await typed(streams, types, { validateReads }).openStream("a")).read())).error;
  }

  test("is one whose upcast returns a promise, or nothing", async () => {
    const late = v1.next(async () => Promise.reject(new Error("nobody waits for it")));
    const nothing = v1.next(() => undefined);
    expect(String(await errorOf({ Made: late }))).toMatch(/returned a promise/);
    expect(String(await errorOf({ Made: late.next((data) => data) }))).toMatch(/returned a promise/);
    expect(String(await errorOf({ Made: nothing }))).toMatch(/returned undefined/);
  });

  test("is one whose metadata name no version", async () => {
    for (const schemaVersion of ["2", 0, 1.5, -1]) {
      const error = await errorOf({ Made: v1 }, { schemaVersion });
      expect(error).toMatchObject({ code: "EVENT_VERSION", message: expect.stringMatching(/which is no version/) });
    }
  });

  test("is one that the schema of the current version refuses after its upcast", async () => {
    const made = v1.next(z.object({ size: z.string() }), ({ size }) => ({ size: size as unknown as string }));
    const error = await errorOf({ Made: made });
    expect(error).toMatchObject({ code: "EVENT_VERSION", message: expect.stringMatching(/refuses data\.size/) });
    expect((error as Error).cause).toMatchObject([{ path: ["size"] }]);
  });

  test("is one of the current version that the schema refuses, where reads are validated", async () => {
    const made = event(z.object({ size: z.number().min(2) }));
    expect(await errorOf({ Made: made })).toBe(undefined);
    expect(await errorOf({ Made: made }, null, true)).toMatchObject({ code: "EVENT_VERSION", version: 1 });
    await using streams = failing({ Made: event(z.object({ size: z.number() })) }, true);
    await using stream = await streams.openStream("a");
    await stream.write(stored);
    expect(dataOf(await listOf(stream.read()))).toEqual([{ size: 1 }]);
  });
});

/** The first events of a watch, and when it has begun. */
function watched(watch: AsyncIterable<StoredEvent>, count: number) {
  const iterator = watch[Symbol.asyncIterator]();
  const first = iterator.next();
  const events = (async () => {
    const list: StoredEvent[] = [];
    for (let next = await first; !next.done; next = await iterator.next()) {
      list.push(next.value);
      if (list.length === count) break;
    }
    await iterator.return?.();
    return list;
  })();
  return { begun: Promise.resolve(), events };
}
