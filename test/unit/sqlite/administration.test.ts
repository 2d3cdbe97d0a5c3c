import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent, StoredEvent, StreamInfo } from "../../../protocols/index.js";
import { failureOf, outcomesOf } from "../../conformance/support/failure-of.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const counted = (count: number, start = 1): CandidateEvent[] =>
  Array.from({ length: count }, (_, index) => ({ type: "Counted", data: start + index }));
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe.each(DRIVER_NAMES)("the streams of a store, through %s", (driver) => {
  const open = () => sqliteStreamFactory(":memory:", { driver });

  test("are listed by id in code-point order, with what is known of each", async () => {
    await using streams = await open();
    for (const id of ["b", "\u{1f600}", "\uffff", "a\0z", "a"]) {
      await (await streams.openStream(id)).write(counted(2));
    }
    await streams.setStreamMetadata("c", { owner: "ada" });
    const listed = await collect(streams.listStreams());
    expect(listed.map(({ streamId }) => streamId)).toEqual(["a", "a\0z", "b", "c", "\uffff", "\u{1f600}"]);
    expect(listed[2]).toEqual({
      streamId: "b",
      version: 2,
      firstVersion: 1,
      eventCount: 2,
      lastPosition: 2,
      lastTimestamp: expect.any(Date),
      deleted: false,
      metadata: null,
      metadataRevision: 0,
    } satisfies StreamInfo);
    expect(listed[3]).toMatchObject({ version: 0, eventCount: 0, lastTimestamp: null, metadata: { owner: "ada" } });
  });

  test("are listed by prefix, after an id, up to a limit, and over many pages", async () => {
    await using streams = await open();
    const ids = Array.from({ length: 1_200 }, (_, index) => `s-${String(index).padStart(4, "0")}`);
    for (let at = 0; at < ids.length; at += 400) {
      await streams.writeAll(ids.slice(at, at + 400).map((streamId) => ({ streamId, events: counted(1) })));
    }
    const named = async (options: Parameters<typeof streams.listStreams>[0]) =>
      (await collect(streams.listStreams(options))).map(({ streamId }) => streamId);
    expect(await named({})).toEqual(ids);
    expect(await named({ prefix: "s-11" })).toEqual(ids.slice(1_100));
    expect(await named({ after: "s-0009", limit: 2 })).toEqual(["s-0010", "s-0011"]);
    expect(await named({ prefix: "t" })).toEqual([]);
    expect(await named({ limit: 0 })).toEqual([]);
  });

  test("deleted ones are listed only where they are asked for", async () => {
    await using streams = await open();
    for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(1));
    await streams.deleteStream("a");
    expect((await collect(streams.listStreams())).map(({ streamId }) => streamId)).toEqual(["b"]);
    const all = await collect(streams.listStreams({ deleted: true }));
    expect(all.map(({ streamId, deleted }) => [streamId, deleted])).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });

  test("have metadata with a revision, which a deletion removes", async () => {
    await using streams = await open();
    expect(await streams.describeStream("a")).toBeNull();
    const { revision } = await streams.setStreamMetadata("a", { title: "A" }, { expectedRevision: 0 });
    expect(await streams.describeStream("a")).toMatchObject({ metadata: { title: "A" }, metadataRevision: revision });
    await expect(streams.setStreamMetadata("a", {}, { expectedRevision: revision + 1 })).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      revision,
    });
    expect(await streams.setStreamMetadata("a", null)).toEqual({ revision: 0 });
    expect(await streams.describeStream("a")).toBeNull();
    await streams.setStreamMetadata("a", { title: "A" });
    await streams.deleteStream("a");
    expect(await streams.describeStream("a")).toMatchObject({ version: 1, deleted: true, metadata: null });
    expect(await failureOf(streams.setStreamMetadata("a", {}))).toMatchObject({
      code: "STREAM_DELETED",
      streamId: "a",
    });
  });

  test.each([
    ["describeStream", "streamId", (s) => s.describeStream("@all")],
    ["setStreamMetadata", "metadata", (s) => s.setStreamMetadata("a", [] as never)],
    ["setStreamMetadata", "metadata", (s) => s.setStreamMetadata("a", { text: "x".repeat(65_536) })],
    ["pruneStream", "before", (s) => s.pruneStream("a", { before: 0 })],
    ["pruneStream", "before", (s) => s.pruneStream("a", { before: 4 })],
    ["pruneStream", "before", (s) => s.pruneStream("nobody", { before: 1 })],
    ["pruneStream", "behindSnapshots", (s) => s.pruneStream("a", { before: 1, behindSnapshots: "x" } as never)],
    ["deleteStream", "reason", (s) => s.deleteStream("a", { reason: { text: "x".repeat(4_096) } })],
    ["deleteStream", "expectedVersion", (s) => s.deleteStream("a", { expectedVersion: "exists" as never })],
    ["reclaim", "onProgress", (s) => s.reclaim({ onProgress: 1 as never })],
  ] as readonly (readonly [string, string, (streams: Awaited<ReturnType<typeof open>>) => Promise<unknown>])[])(
    "%s refuses a wrong %s",
    async (_, argument, call) => {
      await using streams = await open();
      await (await streams.openStream("a")).write(counted(3));
      expect(await failureOf(call(streams))).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    },
  );
});

describe.each(DRIVER_NAMES)("a pruned stream, through %s", (driver) => {
  const open = () => sqliteStreamFactory(":memory:", { driver });

  test("keeps its versions and positions, its last event, and the snapshots that lead to a state", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    for (const version of [3, 6, 7]) await stream.snapshot({ version }, { version });
    expect(await streams.pruneStream("a", { before: 8 })).toEqual({
      streamId: "a",
      version: 10,
      firstVersion: 8,
      removedEvents: 7,
      removedSnapshots: 2,
    });
    expect((await collect(stream.read({ after: 7 }))).map(({ version }) => version)).toEqual([8, 9, 10]);
    expect(await stream.write(counted(1), { expectedVersion: 10 })).toEqual({ version: 11, position: 12, written: 1 });
    expect(await streams.describeStream("a")).toMatchObject({ version: 11, firstVersion: 8, eventCount: 4 });
    expect(await stream.metrics()).toMatchObject({ currentVersion: 11, eventCount: 4 });
    expect(await (await streams.openStream("@all")).metrics()).toMatchObject({ currentVersion: 12, eventCount: 4 });
    expect(await stream.loadSnapshot({ atOrBefore: 7 })).toMatchObject({ version: 7 });
    expect(await streams.pruneStream("a", { before: 5 })).toMatchObject({ firstVersion: 8, removedEvents: 0 });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 4 });
  });

  test("is read from what is left, and never as a shorter list", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    await streams.pruneStream("a", { before: 8 });
    const removed = { code: "EVENTS_REMOVED", streamId: "a", firstVersion: 8 };
    expect(await failureOf(collect(stream.read()))).toMatchObject(removed);
    expect(await failureOf(collect(stream.read({ after: 6 })))).toMatchObject(removed);
    const filter = [{ field: "type", op: "=", value: "Counted" }] as const;
    expect(await failureOf(collect(stream.read({ filter })))).toMatchObject(removed);
    expect(await collect(stream.read({ after: 7 }))).toHaveLength(3);
    expect(await collect(stream.read({ direction: "backward", after: 7 }))).toHaveLength(3);
    expect(await collect(stream.read({ direction: "backward", limit: 3 }))).toHaveLength(3);
    const seen: number[] = [];
    const backward = async () => {
      for await (const { version } of stream.read({ direction: "backward" })) seen.push(version);
    };
    expect(await failureOf(backward())).toMatchObject(removed);
    expect(seen).toEqual([10, 9, 8]);
    const all = await streams.openStream("@all");
    expect((await collect(all.read())).map(({ position }) => position)).toEqual([8, 9, 10]);
  });

  test("still knows the keys of what went, unless they are to be forgotten", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    for (let number = 1; number <= 6; number += 1) await stream.write(keyed(number));
    await streams.pruneStream("a", { before: 4 });
    expect(await stream.write(keyed(2), { expectedVersion: 1 })).toEqual({ version: 2, position: 2, written: 0 });
    // The content of it is not there to be compared.
    expect(await stream.write({ ...keyed(2), data: null })).toMatchObject({ version: 2, written: 0 });
    expect(await stream.write([keyed(5), keyed(7)])).toMatchObject({ version: 7, written: 1 });
    // Once the heads are remembered again.
    expect(await stream.write(keyed(1))).toMatchObject({ version: 1, written: 0 });
    await streams.transaction(async (tx) => {
      expect(await tx.write("a", keyed(3))).toMatchObject({ version: 3, written: 0 });
    });
    await streams.pruneStream("a", { before: 5, forgetKeys: true });
    expect(await stream.write(keyed(2))).toMatchObject({ version: 8, written: 1 });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("goes in steps of 4,096 events, each archived before it goes", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10_000));
    const archived: number[] = [];
    const steps: number[] = [];
    let failsAt = 3;
    const archive = async (events: readonly StoredEvent[]) => {
      if (steps.length + 1 === failsAt) throw new Error("the archive is full");
      steps.push(events.length);
      archived.push(...events.map(({ version }) => version));
    };
    const options = { before: 10_000, archive };
    await expect(streams.pruneStream("a", options)).rejects.toThrow("the archive is full");
    expect(steps).toEqual([4_096, 4_096]);
    expect(await streams.describeStream("a")).toMatchObject({ firstVersion: 8_193, version: 10_000 });
    failsAt = 0;
    expect(await streams.pruneStream("a", options)).toMatchObject({ removedEvents: 1_807, firstVersion: 10_000 });
    expect(archived).toEqual(Array.from({ length: 9_999 }, (_, index) => index + 1));
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("goes only as far as a snapshot reaches, unless it is forced", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    const prune = { before: 6, behindSnapshot: "account@3" };
    const needed = { code: "EVENTS_NEEDED", neededBy: ["snapshot account@3"] };
    expect(await failureOf(streams.pruneStream("a", prune))).toMatchObject(needed);
    await stream.snapshot(1, { version: 4, projection: "account@3" });
    expect(await failureOf(streams.pruneStream("a", prune))).toMatchObject(needed);
    await stream.snapshot(1, { version: 5, projection: "account@3" });
    expect(await streams.pruneStream("a", prune)).toMatchObject({ firstVersion: 6, removedSnapshots: 1 });
    expect(await streams.pruneStream("a", { ...prune, before: 9, force: true })).toMatchObject({ firstVersion: 9 });
  });
});

describe.each(DRIVER_NAMES)("a deleted stream, through %s", (driver) => {
  const open = () => sqliteStreamFactory(":memory:", { driver });

  test("has a tombstone and nothing else, and takes no write and no snapshot", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write([...counted(5), keyed(1)]);
    await stream.snapshot(5);
    await stream.snapshot(5, { projection: "other" });
    await streams.pruneStream("a", { before: 3 });
    expect(await streams.deleteStream("a", { expectedVersion: 6, reason: { by: "ada" } })).toEqual({
      streamId: "a",
      version: 7,
      firstVersion: 7,
      removedEvents: 4,
      removedSnapshots: 2,
    });
    const left = await collect(stream.read({ after: 6 }));
    expect(left).toMatchObject([{ version: 7, type: "@deleted", data: { by: "ada" } }]);
    const deleted = { code: "STREAM_DELETED", streamId: "a" };
    for (const expectedVersion of [0, 6, 7, "any", "exists"] as const) {
      expect(await failureOf(stream.write(counted(1), { expectedVersion }))).toMatchObject(deleted);
    }
    expect(await failureOf(stream.write(keyed(1)))).toMatchObject(deleted);
    expect(await failureOf(stream.write([]))).toMatchObject(deleted);
    expect(await failureOf(stream.snapshot(1, { version: 6 }))).toMatchObject(deleted);
    expect(await failureOf(stream.snapshot(1, { version: 6, keep: 1 }))).toMatchObject(deleted);
    expect(await failureOf(streams.writeAll([{ streamId: "a", events: counted(1) }]))).toMatchObject(deleted);
    expect(await failureOf(streams.transaction((tx) => tx.write("a", counted(1))))).toMatchObject(deleted);
    expect(await streams.deleteStream("a", { expectedVersion: 3 })).toMatchObject({ version: 7, removedEvents: 0 });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("that was never written has its tombstone as version 1", async () => {
    await using streams = await open();
    expect(await streams.deleteStream("a", { expectedVersion: 0 })).toMatchObject({ version: 1, firstVersion: 1 });
    const stream = await streams.openStream("a");
    expect(await collect(stream.read())).toMatchObject([{ version: 1, type: "@deleted", data: null }]);
    expect(await failureOf(stream.write(counted(1)))).toMatchObject({ code: "STREAM_DELETED" });
  });

  test("is not one where another version was expected", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(2));
    const failure = await failureOf(streams.deleteStream("a", { expectedVersion: 1 }));
    expect(failure).toMatchObject({ code: "CONCURRENCY_CONFLICT", actualVersion: 2 });
    expect(await stream.write(counted(1))).toMatchObject({ version: 3 });
  });

  test("never has an event behind its tombstone, whoever wins", async () => {
    await using streams = await open();
    for (let round = 0; round < 50; round += 1) {
      const stream = await streams.openStream(`race-${round}`);
      await stream.write(counted(7));
      const calls: (() => Promise<unknown>)[] = [
        () => stream.write(counted(1)),
        () => streams.deleteStream(`race-${round}`, { expectedVersion: 7 }),
      ];
      if (round % 2 === 1) calls.reverse();
      const { errors } = await outcomesOf(calls.map((call) => call()));
      const { version, deleted } = (await streams.describeStream(`race-${round}`)) as StreamInfo;
      expect(version).toBe(8);
      expect(errors).toMatchObject([{ code: deleted ? "STREAM_DELETED" : "CONCURRENCY_CONFLICT" }]);
    }
    expect(await streams.verify()).toMatchObject({ ok: true });
  });
});

describe.each(DRIVER_NAMES)("watches, through %s", (driver) => {
  test("get the tombstone and go on, or hear that events were removed", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("a.db"), { driver, pollIntervalMs: 5 });
    await using others = await sqliteStreamFactory(folder.file("a.db"), { driver });
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
