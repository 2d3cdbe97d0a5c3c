import { describe, expect, test } from "vitest";
import type { CandidateEvent } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { uuidV7 } from "../../../src/write/uuid-v7.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { SHARED_STORES } from "./support/stores.js";

// Two factories over one store are as two processes: neither knows what the other does.

const counted = (count: number): CandidateEvent[] => wholeNumbers(1, count).map((data) => ({ type: "Counted", data }));
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

describe.each(SHARED_STORES)("what another process removes, over %s", (_, makeStore) => {
  async function openTwo() {
    const store = await makeStore();
    const ours = await store.open();
    const theirs = await store.open();
    const stream = await ours.openStream("a");
    // So that its head is remembered.
    for (const number of wholeNumbers(1, 5)) await stream.write(keyed(number));
    return {
      ours,
      theirs,
      stream,
      async [Symbol.asyncDispose]() {
        for (const opened of [ours, theirs, store]) await opened[Symbol.asyncDispose]();
      },
    };
  }

  test("a write after a prune has the right place, and a retry stores nothing", async () => {
    await using store = await openTwo();
    const { stream, theirs } = store;
    await theirs.pruneStream("a", { before: 5 });
    expect(await failureOf(stream.write(counted(1), { expectedVersion: 4 }))).toMatchObject({
      code: "CONCURRENCY_CONFLICT",
      actualVersion: 5,
    });
    expect(await stream.write(keyed(2), { expectedVersion: 1 })).toEqual({ version: 2, position: 2, written: 0 });
    expect(await stream.write(counted(1), { expectedVersion: 5 })).toEqual({ version: 6, position: 7, written: 1 });
    await theirs.pruneStream("a", { before: 6 });
    expect(await stream.write([keyed(4), keyed(6)])).toEqual({ version: 7, position: 9, written: 1 });
    await theirs.pruneStream("a", { before: 6, forgetKeys: true });
    expect(await stream.write(keyed(2))).toMatchObject({ version: 8, written: 1 });
    expect(await store.ours.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("a write after a delete is refused, whatever it expects", async () => {
    await using store = await openTwo();
    const { ours, stream } = store;
    await store.theirs.deleteStream("a");
    const deleted = { code: "STREAM_DELETED", streamId: "a" };
    for (const expectedVersion of [5, "any", 6] as const) {
      expect(await failureOf(stream.write(counted(1), { expectedVersion }))).toMatchObject(deleted);
    }
    expect(await failureOf(stream.write(keyed(3)))).toMatchObject(deleted);
    const both = ["a", "b"].map((streamId) => ({ streamId, events: counted(1) }));
    expect(await failureOf(ours.writeAll(both))).toMatchObject(deleted);
    // Now the head of the deleted stream is remembered.
    await (await ours.openStream("b")).write(counted(1));
    expect(await failureOf(stream.write(counted(1)))).toMatchObject(deleted);
    expect(await failureOf(stream.write(keyed(9)))).toMatchObject(deleted);
    expect(await ours.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("the store ends behind the tombstone of its newest stream", async () => {
    await using store = await openTwo();
    const { ours, stream } = store;
    await (await ours.openStream("last")).write(counted(1));
    await store.theirs.deleteStream("last");
    const all = await ours.openStream("@all");
    expect(all.version).toBe(7);
    await ours.transaction(async (tx) => {
      // The counter of positions is ahead.
      expect(tx.position).toBe(7);
      expect(await tx.version("@all")).toBe(7);
    });
    expect(await stream.write(counted(1))).toMatchObject({ position: 9 });
    expect(await all.metrics()).toMatchObject({ currentVersion: 9, eventCount: 7 });
    expect(await ours.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("the store ends behind a tombstone that is alone in it", async () => {
    await using store = await openTwo();
    const { ours } = store;
    await store.theirs.deleteStream("a");
    const all = await ours.openStream("@all");
    expect(all.version).toBe(6);
    await ours.transaction(async (tx) => {
      expect(tx.position).toBe(6);
      expect(await tx.version("@all")).toBe(6);
    });
    expect(await (await ours.openStream("b")).write(counted(1))).toMatchObject({ position: 8 });
    expect(await all.metrics()).toMatchObject({ currentVersion: 8, eventCount: 2 });
    expect(await ours.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("a condition holds behind a removal, for one stream and for several", async () => {
    await using store = await openTwo();
    const { ours, theirs } = store;
    await theirs.pruneStream("a", { before: 5 });
    const condition = { failIfEventsMatch: [{ field: "type", op: "=", value: "Paid" }], after: 5 } as const;
    const write = (...ids: string[]) =>
      ours.writeAll(
        ids.map((streamId) => ({ streamId, events: { type: "Paid", data: null } })),
        { conditions: condition },
      );
    expect(await write("b", "c")).toMatchObject([{ position: 7 }, { position: 8 }]);
    expect(await failureOf(write("b"))).toMatchObject({ code: "CONDITION_FAILED", position: 7 });
  });

  test("a reader that registers there while a removal is decided here comes after it", async () => {
    await using store = await makeStore();
    const openParts = async () => {
      const backend = await store.openBackend();
      return { streams: createStreamFactory(backend), storage: backend.storage };
    };
    const ours = await openParts();
    const theirs = await openParts();
    await using _ourStreams = ours.streams;
    await using _theirStreams = theirs.streams;
    await (await ours.streams.openStream("a")).write(counted(5));
    const first = { streamId: "a", after: 4, limit: 1, direction: "forward" } as const;
    let registering: Promise<number | undefined> | undefined;
    const removal = await ours.storage.removeBefore({
      streamId: "a",
      before: 4,
      limit: 10,
      keepKeys: true,
      assertUnneeded: async (records) => {
        expect(await records.list("@consumers")).toEqual([]);
        registering = theirs.storage.transact(async (session) => {
          await session.records.put("@consumers", "late", { position: 0 });
          return (await session.readPage(first)).first;
        }, {});
        // It waits for the lock, and gets it behind the removal.
        await new Promise((resolve) => setImmediate(resolve));
      },
    });
    expect(removal).toEqual({ removed: 3, firstVersion: 4 });
    expect(await registering).toBe(4);
  });

  test("an interrupted deletion is finished by the next opening, unless its events are to be archived", async () => {
    await using store = await makeStore();
    {
      await using streams = await store.open();
      for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(5_000));
      await (await streams.openStream("a")).snapshot(1);
      const archive = () => Promise.reject(new Error("the archive is full"));
      expect(await failureOf(streams.deleteStream("b", { archive }))).toMatchObject({ message: "the archive is full" });
    }
    {
      // As a process leaves it that was killed behind the tombstone.
      const backend = await store.openBackend();
      await backend.storage.transact(async (session) => {
        const tombstone = { id: uuidV7(0), idempotencyKey: null, type: "@deleted", data: "null", metadata: null };
        await session.append({ streamId: "a", events: [tombstone], expectedVersion: "any" });
        await session.records.put("@deletions", "a", { archive: false });
      }, {});
      await createStreamFactory(backend)[Symbol.asyncDispose]();
    }
    await using streams = await store.open();
    await expect.poll(async () => (await streams.describeStream("a"))?.firstVersion, { timeout: 10_000 }).toBe(5_001);
    expect(await streams.describeStream("a")).toMatchObject({ version: 5_001, deleted: true });
    expect(await streams.describeStream("b")).toMatchObject({ version: 5_001, firstVersion: 1, deleted: true });
    const archived: number[] = [];
    const archive = async (events: readonly unknown[]) => void archived.push(events.length);
    expect(await streams.deleteStream("b", { archive })).toMatchObject({ removedEvents: 5_000 });
    expect(archived).toEqual([4_096, 904]);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("watches get the tombstone and go on, or hear that events were removed", async () => {
    await using store = await makeStore();
    await using streams = await store.open();
    await using others = await store.open();
    const stream = await streams.openStream("a");
    await stream.write(counted(3));
    const live = stream.watch()[Symbol.asyncIterator]();
    const all = (await streams.openStream("@all")).watch({ after: 0 })[Symbol.asyncIterator]();
    const fresh = live.next();
    for (let position = 1; position <= 3; position += 1) expect((await all.next()).value).toMatchObject({ position });
    await others.deleteStream("a");
    expect((await fresh).value).toMatchObject({ version: 4, type: "@deleted" });
    expect((await all.next()).value).toMatchObject({ position: 4, type: "@deleted" });
    await (await others.openStream("b")).write(counted(1));
    expect((await all.next()).value).toMatchObject({ position: 6, streamId: "b" });
    const late = stream.watch({ after: 0 })[Symbol.asyncIterator]();
    expect(await failureOf(late.next())).toMatchObject({ code: "EVENTS_REMOVED", firstVersion: 4 });
    const anew = (await streams.openStream("@all")).watch({ after: 0 })[Symbol.asyncIterator]();
    expect((await anew.next()).value).toMatchObject({ position: 4 });
    await live.return?.();
    await all.return?.();
    await anew.return?.();
  });
});
