import { Client } from "pg";
import { expect, test } from "vitest";
import { openPostgresBackend } from "../../../adapters/postgres/postgres-stream-factory.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { CandidateEvent, StreamFactory } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { uuidV7 } from "../../../src/write/uuid-v7.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { failureOf, outcomesOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, type StoreSchemas, sharedServer } from "../../support/postgres-stores.js";

// Two factories over one store are as two processes: neither knows what the other does.

const counted = (count: number): CandidateEvent[] => wholeNumbers(1, count).map((data) => ({ type: "Counted", data }));
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

/** The position of an event that is written now. Each transaction of a removal before it has skipped one. */
async function nextPosition(streams: StreamFactory): Promise<number> {
  return (await (await streams.openStream("marks")).write(counted(1))).position;
}

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const open = async (schemas: StoreSchemas = ownSchemas(), user = "postgres") => {
    const url = (await server()).url().replace("postgres@", `${user}@`);
    return postgresStreamFactory(url, { ...schemas, durability: "normal", create: user === "postgres" });
  };

  async function openTwo() {
    const schemas = ownSchemas();
    const ours = await open(schemas);
    const theirs = await open(schemas);
    const stream = await ours.openStream("a");
    for (const number of wholeNumbers(1, 5)) await stream.write(keyed(number));
    return {
      schemas,
      ours,
      theirs,
      stream,
      async [Symbol.asyncDispose]() {
        await ours[Symbol.asyncDispose]();
        await theirs[Symbol.asyncDispose]();
      },
    };
  }

  test("a write after another process pruned has the right place, and a retry stores nothing", async () => {
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

  test("a write after another process deleted is refused, whatever it expects, and the store ends behind it", async () => {
    await using store = await openTwo();
    await store.theirs.deleteStream("a");
    const deleted = { code: "STREAM_DELETED", streamId: "a" };
    for (const expectedVersion of [5, "any", 6] as const) {
      expect(await failureOf(store.stream.write(counted(1), { expectedVersion }))).toMatchObject(deleted);
    }
    expect(await failureOf(store.stream.write(keyed(3)))).toMatchObject(deleted);
    const both = [
      { streamId: "a", events: counted(1) },
      { streamId: "b", events: counted(1) },
    ];
    expect(await failureOf(store.ours.writeAll(both))).toMatchObject(deleted);
    const all = await store.ours.openStream("@all");
    expect(all.version).toBe(6);
    await store.ours.transaction(async (tx) => {
      // The counter of positions is ahead.
      expect(tx.position).toBe(6);
      expect(await tx.version("@all")).toBe(6);
    });
    expect(await nextPosition(store.ours)).toBe(8);
    expect(await all.metrics()).toMatchObject({ currentVersion: 8, eventCount: 2 });
    expect(await store.ours.verify()).toMatchObject({ ok: true, problems: [] });
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

  test("large events go a few at a time, and each at least", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    const filled = (bytes: number): CandidateEvent => ({ type: "Filled", data: "x".repeat(bytes) });
    await stream.write([...wholeNumbers(1, 5).map(() => filled(400_000)), filled(2_000_000), ...counted(3)]);
    const before = await nextPosition(streams);
    await streams.pruneStream("a", { before: 9 });
    // 2 events, 2 more, 1, the large one, and the rest.
    expect((await nextPosition(streams)) - before).toBe(5 + 1);
    expect(await streams.describeStream("a")).toMatchObject({ version: 9, firstVersion: 9 });
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("more keys than one transaction takes are forgotten", async () => {
    const schemas = ownSchemas();
    await using streams = await open(schemas);
    const stream = await streams.openStream("a");
    await stream.write([...wholeNumbers(1, 600).map(keyed), ...counted(1)]);
    await streams.pruneStream("a", { before: 601 });
    expect(await stream.write(keyed(600))).toMatchObject({ version: 600, written: 0 });
    await streams.deleteStream("a");
    const { rows } = await (await server()).query(`SELECT count(*)::int AS keys FROM ${schemas.schema}.es_keys`);
    expect(rows).toEqual([{ keys: 0 }]);
  });

  test("writes go first between two transactions of a removal", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(counted(5_000));
    const other = await streams.openStream("b");
    let isPruned = false;
    const pruning = streams.pruneStream("a", { before: 5_000 }).then(() => {
      isPruned = true;
    });
    for (const _ of wholeNumbers(1, 3)) await other.write(counted(1));
    expect(isPruned).toBe(false);
    await pruning;
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("a reader that registers there while a removal is decided here comes after it", async () => {
    const schemas = ownSchemas();
    const openParts = async () => {
      const backend = await openPostgresBackend((await server()).url(), { ...schemas, durability: "normal" });
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
    const schemas = ownSchemas();
    {
      await using streams = await open(schemas);
      for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(1_000));
      await (await streams.openStream("a")).snapshot(1);
      const archive = () => Promise.reject(new Error("the archive is full"));
      expect(await failureOf(streams.deleteStream("b", { archive }))).toMatchObject({ message: "the archive is full" });
    }
    {
      // As a process leaves it that was killed behind the tombstone.
      const backend = await openPostgresBackend((await server()).url(), { ...schemas, durability: "normal" });
      await backend.storage.transact(async (session) => {
        const tombstone = { id: uuidV7(0), idempotencyKey: null, type: "@deleted", data: "null", metadata: null };
        await session.append({ streamId: "a", events: [tombstone], expectedVersion: "any" });
        await session.records.put("@deletions", "a", { archive: false });
      }, {});
      await createStreamFactory(backend)[Symbol.asyncDispose]();
    }
    await using streams = await open(schemas);
    await expect.poll(async () => (await streams.describeStream("a"))?.firstVersion, { timeout: 10_000 }).toBe(1_001);
    expect(await streams.describeStream("a")).toMatchObject({ version: 1_001, deleted: true });
    expect(await streams.describeStream("b")).toMatchObject({ version: 1_001, firstVersion: 1, deleted: true });
    const archived: number[] = [];
    const archive = async (events: readonly unknown[]) => void archived.push(events.length);
    expect(await streams.deleteStream("b", { archive })).toMatchObject({ removedEvents: 1_000 });
    expect(archived).toEqual([1_000]);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("of a stream that is deleted no snapshot stays, whoever saves one meanwhile", async () => {
    await using store = await openTwo();
    const { ours, theirs } = store;
    for (const round of wholeNumbers(1, 10)) {
      const id = `race-${round}`;
      await (await ours.openStream(id)).write(counted(3));
      const stream = await theirs.openStream(id);
      const saving = wholeNumbers(1, 3).map((version) => stream.snapshot(1, { version, projection: `p${version}` }));
      const { errors } = await outcomesOf<unknown>([...saving, ours.deleteStream(id)]);
      for (const error of errors) expect(error).toMatchObject({ code: "STREAM_DELETED" });
    }
    const { schema } = store.schemas;
    const { rows } = await (await server()).query(`SELECT count(*)::int AS snapshots FROM ${schema}.es_snapshots`);
    expect(rows).toEqual([{ snapshots: 0 }]);
  });

  test("space of removed events is given back beside a store that is used", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    // The events at the end of the table, so that there are pages to be given back.
    await stream.write(counted(1));
    await (await streams.openStream("b")).write(
      wholeNumbers(1, 2_000).map(() => ({ type: "Filled", data: "x".repeat(1_000) })),
    );
    await streams.deleteStream("b");
    const progress: unknown[] = [];
    const reclaiming = streams.reclaim({ onProgress: (made) => progress.push(made) });
    await stream.write(counted(20));
    const { freedBytes } = await reclaiming;
    expect(progress).toEqual([{ freedBytes, freeBytes: 0 }]);
    expect(await eventsOf(stream)).toHaveLength(21);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("a disposal gives up what reclaims space when that takes too long", async () => {
    const schemas = ownSchemas();
    const started = await server();
    const streams = await postgresStreamFactory(started.url(), {
      ...schemas,
      commandTimeoutMs: 500,
      durability: "normal",
    });
    await (await streams.openStream("a")).write(counted(5));
    const holder = new Client(started.url());
    await holder.connect();
    try {
      await holder.query(`BEGIN; LOCK TABLE ${schemas.schema}.es_snapshots IN SHARE UPDATE EXCLUSIVE MODE`);
      const failure = failureOf(streams.reclaim());
      await streams[Symbol.asyncDispose]();
      expect(await failure).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    } finally {
      await holder.query("ROLLBACK");
      await holder.end();
    }
  });

  test("a role needs DELETE on events to remove them, and to own the tables to vacuum them", async () => {
    const schemas = ownSchemas();
    const { schema } = schemas;
    await using owners = await open(schemas);
    await (await owners.openStream("a")).write(counted(5));
    const started = await server();
    await started.query(`
      CREATE ROLE clerk LOGIN;
      GRANT USAGE ON SCHEMA ${schema} TO clerk;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO clerk;
      REVOKE DELETE ON ${schema}.es_events FROM clerk`);
    {
      await using streams = await open(schemas, "clerk");
      expect(await (await streams.openStream("a")).write(counted(1))).toMatchObject({ version: 6 });
      const denied = { code: "STORAGE_PERMISSION_DENIED", message: expect.stringContaining('stream "a"') };
      expect(await failureOf(streams.pruneStream("a", { before: 3 }))).toMatchObject(denied);
      expect(await streams.describeStream("a")).toMatchObject({ firstVersion: 1, eventCount: 6 });
      expect(await failureOf(streams.reclaim())).toMatchObject({
        code: "STORAGE_PERMISSION_DENIED",
        message: expect.stringContaining("autovacuum"),
      });
      await started.query(`GRANT DELETE ON ${schema}.es_events TO clerk`);
      expect(await streams.pruneStream("a", { before: 3 })).toMatchObject({ firstVersion: 3, removedEvents: 2 });
      expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
    }
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
