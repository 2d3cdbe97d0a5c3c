import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { uuidV7 } from "../../../src/write/uuid-v7.js";
import { eventuallyWithin } from "../../conformance/support/eventually.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// Two factories over one file are as two processes: neither knows what the other does.

const counted = (count: number): CandidateEvent[] =>
  Array.from({ length: count }, (_, data) => ({ type: "Counted", data }));
const eventually = eventuallyWithin(10_000);
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

describe.each(DRIVER_NAMES)("what another process removes, through %s", (driver) => {
  async function openTwo() {
    const folder = await createTempDir();
    const path = folder.file("store.db");
    const ours = await sqliteStreamFactory(path, { driver });
    const theirs = await sqliteStreamFactory(path, { driver });
    const stream = await ours.openStream("a");
    // So that its head is remembered.
    for (let number = 1; number <= 5; number += 1) await stream.write(keyed(number));
    return {
      path,
      ours,
      theirs,
      stream,
      async [Symbol.asyncDispose]() {
        await ours[Symbol.asyncDispose]();
        await theirs[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
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
    expect(await store.ours.verify()).toMatchObject({ ok: true });
  });

  test("a reader that registers there while a removal is decided here comes after it", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const open = async () => {
      const backend = await openSQLiteBackend(path, {}, DRIVERS[driver]);
      return { streams: createStreamFactory(backend), storage: backend.storage };
    };
    const ours = await open();
    const theirs = await open();
    await using _ourStreams = ours.streams;
    await using _theirStreams = theirs.streams;
    await (await ours.streams.openStream("a")).write(counted(5));
    const first = { streamId: "a", after: 4, limit: 1, direction: "forward" } as const;
    let registering: Promise<number | undefined> | undefined;
    const request = { streamId: "a", before: 4, limit: 10, keepKeys: true };
    const removal = await ours.storage.removeBefore({
      ...request,
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

  test("a write after a delete is refused, whatever it expects", async () => {
    await using store = await openTwo();
    await store.theirs.deleteStream("a");
    const deleted = { code: "STREAM_DELETED", streamId: "a" };
    for (const expectedVersion of [5, "any", 6] as const) {
      expect(await failureOf(store.stream.write(counted(1), { expectedVersion }))).toMatchObject(deleted);
    }
    expect(await failureOf(store.stream.write(keyed(3)))).toMatchObject(deleted);
    // Now the head of the deleted stream is remembered.
    await (await store.ours.openStream("b")).write(counted(1));
    expect(await failureOf(store.stream.write(counted(1)))).toMatchObject(deleted);
    expect(await failureOf(store.stream.write(keyed(9)))).toMatchObject(deleted);
    expect(await store.ours.verify()).toMatchObject({ ok: true });
  });

  test("the newest event of the store may be a deleted stream's, and the store still ends behind it", async () => {
    await using store = await openTwo();
    await (await store.ours.openStream("last")).write(counted(1));
    await store.theirs.deleteStream("last");
    const all = await store.ours.openStream("@all");
    expect(all.version).toBe(7);
    await store.ours.transaction(async (tx) => {
      // The counter of positions is ahead.
      expect(tx.position).toBe(7);
      expect(await tx.version("@all")).toBe(7);
    });
    expect(await store.stream.write(counted(1))).toMatchObject({ position: 9 });
    expect(await store.ours.verify()).toMatchObject({ ok: true });
  });

  test("a removal leaves a single append as cheap as it was", async () => {
    await using folder = await createTempDir();
    const { driver: recording, calls } = recordingDriver(DRIVERS[driver]);
    await using streams = createStreamFactory(await openSQLiteBackend(folder.file("store.db"), {}, recording));
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    await streams.pruneStream("a", { before: 5 });
    await stream.write(counted(1));
    const start = calls.length;
    await stream.write(counted(1));
    expect(calls.slice(start).filter(({ mode }) => mode !== "readonly")).toHaveLength(1);
  });

  test("an interrupted deletion is finished by the next opening, unless its events are to be archived", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using streams = await sqliteStreamFactory(path, { driver });
      for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(5_000));
      await (await streams.openStream("a")).snapshot(1);
      const archive = () => Promise.reject(new Error("the archive is full"));
      expect(await failureOf(streams.deleteStream("b", { archive }))).toMatchObject({ message: "the archive is full" });
    }
    {
      // As a process leaves it that was killed behind the tombstone.
      const backend = await openSQLiteBackend(path, {}, DRIVERS[driver]);
      await backend.storage.transact(async (session) => {
        const tombstone = { id: uuidV7(0), idempotencyKey: null, type: "@deleted", data: "null", metadata: null };
        await session.append({ streamId: "a", events: [tombstone], expectedVersion: "any" });
        await session.records.put("@deletions", "a", { archive: false });
      }, {});
      await createStreamFactory(backend)[Symbol.asyncDispose]();
    }
    await using streams = await sqliteStreamFactory(path, { driver });
    await eventually("nothing but the tombstone is left", async () => {
      return (await streams.describeStream("a"))?.firstVersion === 5_001;
    });
    expect(await streams.describeStream("a")).toMatchObject({ version: 5_001, deleted: true });
    expect(await streams.describeStream("b")).toMatchObject({ version: 5_001, firstVersion: 1, deleted: true });
    const archived: number[] = [];
    const archive = async (events: readonly unknown[]) => void archived.push(events.length);
    expect(await streams.deleteStream("b", { archive })).toMatchObject({ removedEvents: 5_000 });
    expect(archived).toEqual([4_096, 904]);
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("a store that is opened to be read only removes nothing", async () => {
    await using store = await openTwo();
    await using readers = await sqliteStreamFactory(store.path, { driver, mode: "readonly" });
    const readOnly = { code: "STORAGE_READ_ONLY" };
    expect(await failureOf(readers.pruneStream("a", { before: 3, force: true }))).toMatchObject(readOnly);
    expect(await failureOf(readers.deleteStream("a"))).toMatchObject(readOnly);
    expect(await failureOf(readers.setStreamMetadata("a", {}))).toMatchObject(readOnly);
    expect(await failureOf(readers.reclaim())).toMatchObject(readOnly);
    expect(await readers.describeStream("a")).toMatchObject({ version: 5 });
  });

  test("space is given back in steps, while others write", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    for (let round = 0; round < 4; round += 1) {
      await stream.write(Array.from({ length: 2_000 }, () => ({ type: "Filled", data: "x".repeat(1_000) })));
    }
    await streams.pruneStream("a", { before: 8_000 });
    const before = (await stat(path)).size;
    const progress: number[] = [];
    const reclaiming = streams.reclaim({ onProgress: ({ freedBytes }) => progress.push(freedBytes) });
    for (let number = 0; number < 20; number += 1) await stream.write(counted(1));
    const { freedBytes } = await reclaiming;
    expect(freedBytes).toBeGreaterThan(7_000_000);
    expect(progress.length).toBeGreaterThan(6);
    expect(progress.every((bytes, index) => bytes - (progress[index - 1] ?? 0) <= 1024 * 1024)).toBe(true);
    expect(await streams.verify()).toMatchObject({ ok: true });
    await streams[Symbol.asyncDispose]();
    expect((await stat(path)).size).toBeLessThan(before / 4);
  });

  test("a file that was made without support for it names the backup", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await (await sqliteStreamFactory(path, { driver }))[Symbol.asyncDispose]();
    const connection = await DRIVERS[driver].open(path, "existing");
    await connection.exec("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL");
    await connection.close();
    await using streams = await sqliteStreamFactory(path, { driver });
    expect(await failureOf(streams.reclaim())).toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringContaining("backup()"),
    });
    await streams.backup(folder.file("copy.db"));
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    expect(await copy.reclaim()).toEqual({ freedBytes: 0 });
  });
});
