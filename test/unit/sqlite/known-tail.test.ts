import { setImmediate as endOfTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SQLiteConnection, SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { ALL_STREAM, type CandidateEvent, type StoredEvent, type StreamFactory } from "../../../protocols/index.js";
import { handle, loadState, stateCache } from "../../../src/commands/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { forwarding } from "../../support/forwarding.js";
import { openRecordedStore, type RecordedStore } from "../../support/recorded-store.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// The end of a stream that this process itself has written is known without a statement, as long as the log shows that nobody
// has committed anything since.

const STREAMS = ["a", "b", "c"];
const counter = { name: "counter", initial: () => 0, evolve: (count: number) => count + 1 };
const counted = (count: number): CandidateEvent => ({ type: "Counted", data: { count } });

const statementsOf = async (store: RecordedStore, task: () => Promise<unknown>): Promise<number> =>
  (await store.callsDuring(task)).length;

async function lastOf(streams: StreamFactory, streamId: string, after: number): Promise<StoredEvent[]> {
  await using stream = await streams.openStream(streamId);
  const events: StoredEvent[] = [];
  for await (const event of stream.read({ after })) events.push(event);
  return events;
}

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test("commands one after the other take one statement each, and loads of their states none", async () => {
    await using store = await openRecordedStore(driver);
    const { streams } = store;
    const cache = stateCache();
    const count = () => handle(streams, counter, "a", counted, { cache });
    for (let warm = 0; warm < 10; warm += 1) await count();
    const ofCommands = await statementsOf(store, async () => {
      for (let number = 0; number < 10; number += 1) await count();
    });
    expect(ofCommands).toBe(10);
    const ofLoads = await statementsOf(store, async () => {
      for (let number = 0; number < 10; number += 1) {
        expect(await loadState(streams, counter, "a", { cache })).toEqual({ state: 20, version: 20 });
      }
    });
    expect(ofLoads).toBe(0);
  });

  test("what is read is what was written, each time anew, and larger events are read from the database", async () => {
    await using store = await openRecordedStore(driver);
    await using stream = await store.streams.openStream("a");
    const read = async (after: number) => (await lastOf(store.streams, "a", after))[0] as StoredEvent;
    const written: CandidateEvent[] = [
      ...Array.from({ length: 10 }, (_, count) => counted(count)),
      { type: "Bytes", data: Uint8Array.of(1, 2, 3) },
      { type: "Large", data: { text: "x".repeat(10_000) } },
      { type: "Keyed", data: [-0, 1.5, "é"], idempotencyKey: "key", metadata: { user: "ada" } },
    ];
    for (const [index, event] of written.entries()) {
      const { version } = await stream.write(event);
      const first = await read(index);
      expect(first).toMatchObject({ type: event.type, data: event.data, version, metadata: event.metadata ?? null });
      const second = await read(index);
      expect(second).toEqual(first);
      expect(second).not.toBe(first);
      expect(await lastOf(store.streams, "a", version)).toEqual([]);
    }
    expect(await statementsOf(store, () => lastOf(store.streams, "a", written.length - 1))).toBe(1);
  });

  test("a stream whose first events were removed is read from the database", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const cache = stateCache();
    for (let warm = 0; warm < 10; warm += 1) await handle(streams, counter, "a", counted, { cache });
    await streams.pruneStream("a", { before: 8 });
    for (let more = 0; more < 10; more += 1) {
      await handle(streams, counter, "a", counted, { cache });
      await expect(lastOf(streams, "a", 3)).rejects.toMatchObject({ code: "EVENTS_REMOVED" });
    }
    await streams.deleteStream("a");
    await expect(handle(streams, counter, "a", counted, { cache })).rejects.toMatchObject({ code: "STREAM_DELETED" });
  });

  test("a change that changes nothing takes no commit of others for its own", async () => {
    await using store = await openRecordedStore(driver);
    const { streams, path } = store;
    await using others = await sqliteStreamFactory(path, { driver });
    await using stream = await streams.openStream("a");
    await using another = await others.openStream("a");
    const changesOfNothing = [() => streams.reclaim(), () => streams.transaction(async () => undefined)];
    for (const changeNothing of changesOfNothing) {
      let version = 0;
      do ({ version } = await stream.write(counted(0)));
      while ((await statementsOf(store, () => lastOf(streams, "a", version))) > 1);
      await another.write(counted(1));
      await changeNothing();
      expect(await lastOf(streams, "a", version)).toHaveLength(1);
    }
  });

  test("nor does a transaction without changes, where others commit before this process has heard of its end", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let afterCommit = async (): Promise<unknown> => undefined;
    const delayed: SQLiteDriver = {
      ...DRIVERS[driver],
      async open(file, mode) {
        const connection = await DRIVERS[driver].open(file, mode);
        return forwarding(connection, {
          run: async (sql, parameters) => {
            const result = await connection.run(sql, parameters);
            if (sql === "COMMIT") await afterCommit();
            return result;
          },
        });
      },
    };
    await using streams = createStreamFactory(await openSQLiteBackend(path, {}, delayed));
    await using others = await sqliteStreamFactory(path, { driver });
    await using stream = await streams.openStream("a");
    await using another = await others.openStream("a");
    for (let warm = 0; warm < 10; warm += 1) await lastOf(streams, "a", (await stream.write(counted(warm))).version);
    afterCommit = () => another.write(counted(10));
    await streams.transaction(async () => undefined);
    expect(await lastOf(streams, "a", 10)).toHaveLength(1);
  });

  test("a store is closed as ever while the end of the log is searched for", async () => {
    await using folder = await createTempDir();
    let [underWay, most] = [0, 0];
    const counting: SQLiteDriver = {
      ...DRIVERS[driver],
      async open(file, mode) {
        const connection = await DRIVERS[driver].open(file, mode);
        return forwarding(connection, {
          all: async <Row>(sql: string, parameters?: Parameters<SQLiteConnection["all"]>[1]) => {
            if (!sql.includes("NOOP")) return connection.all<Row>(sql, parameters);
            underWay += 1;
            most = Math.max(most, underWay);
            for (let turns = 0; turns < 10; turns += 1) await endOfTurn();
            return connection.all<Row>(sql, parameters).finally(() => {
              underWay -= 1;
            });
          },
        });
      },
    };
    const streams = createStreamFactory(
      await openSQLiteBackend(folder.file("store.db"), { checksums: false }, counting),
    );
    await using stream = await streams.openStream("a");
    while (underWay === 0) await lastOf(streams, "a", (await stream.write(counted(0))).version);
    await streams[Symbol.asyncDispose]();
    expect([most, underWay]).toEqual([1, 0]);
  });

  test("the end is the one that the database has, whatever others do with it", { timeout: 60_000 }, async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("write" as const), stream: fc.constantFrom(...STREAMS) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("other" as const), stream: fc.constantFrom(...STREAMS) }) },
      fc.record({
        kind: fc.constantFrom("table", "rollback", "snapshot", "transaction", "nothing"),
        stream: fc.constant("a"),
      }),
      fc.record({ kind: fc.constantFrom("PASSIVE", "RESTART", "TRUNCATE"), stream: fc.constant("a") }),
    );
    let known = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        await using store = await openRecordedStore(driver);
        const { streams, path } = store;
        await using others = await sqliteStreamFactory(path, { driver });
        const another = await DRIVERS[driver].open(path, "existing");
        await another.exec("CREATE TABLE filler (content BLOB); PRAGMA cache_size = 5");
        const versions = new Map(STREAMS.map((streamId) => [streamId, 0]));
        let position = 0;
        for (const { kind, stream: streamId } of steps) {
          const event = counted(position);
          if (kind === "write" || kind === "other" || kind === "transaction") {
            const writer = kind === "other" ? others : streams;
            await using stream = await writer.openStream(streamId);
            if (kind === "transaction") await streams.transaction((tx) => tx.write(streamId, event));
            else await stream.write(event);
            versions.set(streamId, (versions.get(streamId) ?? 0) + 1);
            position += 1;
          } else if (kind === "nothing") await streams.reclaim();
          else if (kind === "snapshot") {
            await using stream = await streams.openStream(streamId);
            await stream.snapshot({ position });
          } else if (kind === "table") await another.exec("INSERT INTO filler VALUES (1)");
          else if (kind === "rollback") {
            // More than the cache of the connection holds, so that frames of it are in the log, without a commit.
            await another.exec(`
              BEGIN;
              INSERT INTO filler SELECT randomblob(3000) FROM json_each('${JSON.stringify(Array(20).fill(1))}');
              ROLLBACK`);
          } else await another.exec(`PRAGMA wal_checkpoint(${kind})`);
          for (const id of STREAMS) {
            const version = versions.get(id) as number;
            if (version === 0) continue;
            let read: StoredEvent[] = [];
            const statements = await statementsOf(store, async () => {
              read = await lastOf(streams, id, Math.max(0, version - 1));
            });
            if (statements === 1) known += 1;
            expect([id, statements, ...read.map((found) => found.version)]).toEqual([id, statements, version]);
          }
          if (position > 0) {
            const read = await lastOf(streams, ALL_STREAM, position - 1);
            expect(read.map((found) => found.position)).toEqual([position]);
          }
        }
        await another.close();
      }),
      { numRuns: 30 },
    );
    expect(known).toBeGreaterThan(100);
  });
});
