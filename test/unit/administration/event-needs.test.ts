import { afterEach, describe, expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../../adapters/memory/index.js";
import { openPostgresBackend } from "../../../adapters/postgres/postgres-stream-factory.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import { applyRetention } from "../../../index.js";
import type {
  AdministrableStorage,
  CandidateEvent,
  RemovalReport,
  RetentionOptions,
  RetentionRule,
  StreamBackend,
} from "../../../protocols/index.js";
import { parkedKey } from "../../../src/consumers/consumer-records.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { overriding } from "../../support/overriding.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";

// Who has yet to read events keeps them from being removed.

const counted = (count: number): CandidateEvent[] =>
  Array.from({ length: count }, (_, data) => ({ type: "Counted", data }));
const DAY_MS = 24 * 3_600_000;

type OpenBackend = (now: () => number) => Promise<StreamBackend<AdministrableStorage>>;

const inSQLite =
  (driver: DriverName): OpenBackend =>
  (now) =>
    openSQLiteBackend(":memory:", { now }, DRIVERS[driver]);

const inMemory: OpenBackend = async (now) => {
  const storage = new MemoryStorageHandle(now);
  return { storage, notifier: new MemoryNotifier(storage), now };
};

const STORES: [string, OpenBackend][] = [
  ["memory", inMemory],
  ...DRIVER_NAMES.map((name): [string, OpenBackend] => [name, inSQLite(name)]),
];
if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  STORES.push([
    "PostgreSQL",
    async (now) => openPostgresBackend((await server()).url(), { ...ownSchemas(), durability: "normal", now }),
  ]);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(STORES)("through %s", (_, openBackend) => {
  /** A store with a clock of its own, in which readers register. */
  async function open() {
    const clock = { nowMs: Date.UTC(2030, 0, 1) };
    const backend = await openBackend(() => clock.nowMs);
    const { storage } = backend;
    let beforeNextRemoval = async (): Promise<unknown> => undefined;
    const removing = overriding<AdministrableStorage>(storage, {
      async removeBefore(request) {
        const before = beforeNextRemoval;
        beforeNextRemoval = async () => undefined;
        await before();
        return storage.removeBefore(request);
      },
    });
    const streams = createStreamFactory({ ...backend, storage: removing });
    return {
      streams,
      /** Has something happen once the next removal is decided, and before it is begun. */
      beforeRemoval: (happening: () => Promise<unknown>) => {
        beforeNextRemoval = happening;
      },
      /** As a consumer that gives an event up for now. */
      park: (streamId: string, position: number) =>
        storage.transact(
          ({ records }) => records.put("@parked", parkedKey("mail", position), { streamId, position }),
          {},
        ),
      parkedKeys: async () => {
        const found = await storage.transact(({ records }) => records.list("@parked", { after: "", limit: 10 }), {});
        return found.map(({ key }) => key);
      },
      pass: (ms: number) => {
        clock.nowMs += ms;
      },
      write: async (streamId: string, count: number) => (await streams.openStream(streamId)).write(counted(count)),
      register: (space: "@consumers" | "@projections", key: string, position: number) =>
        storage.transact(({ records }) => records.put(space, key, { position, owner: null }), {}),
      retain: async (rules: readonly RetentionRule[], options?: RetentionOptions) => {
        const reports: RemovalReport[] = [];
        for await (const report of applyRetention(streams, rules, options)) reports.push(report);
        return reports;
      },
      first: async (streamId: string) => (await streams.describeStream(streamId))?.firstVersion,
      transact: storage.transact.bind(storage),
      [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose](),
    };
  }

  test("a prune and a delete name who has yet to read, and force removes all the same", async () => {
    await using store = await open();
    const { streams } = store;
    await store.write("a", 200);
    await store.register("@consumers", "mail", 100);
    await store.register("@consumers", "fast", 199);
    await store.register("@projections", "orders@2", 50);
    const needed = await failureOf(streams.pruneStream("a", { before: 151 }));
    expect(needed).toMatchObject({ code: "EVENTS_NEEDED", neededBy: ["consumer mail", "projection orders@2"] });
    expect(await store.first("a")).toBe(1);
    expect(await streams.pruneStream("a", { before: 51 })).toMatchObject({ removedEvents: 50 });
    expect(await failureOf(streams.deleteStream("a"))).toMatchObject({
      code: "EVENTS_NEEDED",
      neededBy: ["consumer fast", "consumer mail", "projection orders@2"],
    });
    expect(await streams.describeStream("a")).toMatchObject({ version: 200, deleted: false });
    expect(await streams.pruneStream("a", { before: 151, force: true })).toMatchObject({ firstVersion: 151 });
    expect(await streams.deleteStream("a", { force: true })).toMatchObject({ version: 201, firstVersion: 201 });
  });

  test("an event that is parked as a prune begins stays, and so does what a late reader has yet to read", async () => {
    await using store = await open();
    const { streams } = store;
    await store.write("a", 10);
    store.beforeRemoval(() => store.park("a", 4));
    const parked = {
      code: "EVENTS_NEEDED",
      neededBy: ["consumer mail"],
      message: expect.stringContaining("consumer mail (parked)"),
    };
    expect(await failureOf(streams.pruneStream("a", { before: 6 }))).toMatchObject(parked);
    expect(await store.first("a")).toBe(1);
    expect(await streams.pruneStream("a", { before: 4 })).toMatchObject({ firstVersion: 4 });
    store.beforeRemoval(() => store.register("@projections", "late@1", 4));
    const rules = [{ prefix: "", maxEvents: 1 }];
    expect(await store.retain(rules)).toEqual([]);
    expect(await store.first("a")).toBe(4);
    expect(await streams.pruneStream("a", { before: 6, force: true })).toMatchObject({ firstVersion: 6 });
  });

  test("force drops what is parked while the events are removed, or was left parked by a call that was killed", async () => {
    await using store = await open();
    const { streams } = store;
    await store.write("a", 10);
    store.beforeRemoval(() => store.park("a", 4));
    await streams.pruneStream("a", { before: 6, force: true });
    expect(await store.parkedKeys()).toEqual([]);
    await store.park("a", 5);
    await store.park("a", 6);
    expect(await streams.pruneStream("a", { before: 6, force: true })).toMatchObject({ removedEvents: 0 });
    expect(await store.parkedKeys()).toEqual([parkedKey("mail", 6)]);
    let tombstone = 0;
    store.beforeRemoval(async () => {
      tombstone = (await streams.describeStream("a"))?.lastPosition ?? 0;
      await store.park("a", 7);
      await store.park("a", tombstone);
    });
    await streams.deleteStream("a", { force: true });
    expect(await store.parkedKeys()).toEqual([parkedKey("mail", tombstone)]);
  });

  test("what is needed is not archived", async () => {
    await using store = await open();
    await store.write("a", 10);
    await store.register("@consumers", "mail", 2);
    const archived: number[] = [];
    const archive: RetentionOptions["archive"] = async (events) => {
      archived.push(...events.map(({ version }) => version));
    };
    const pruning = store.streams.pruneStream("a", { before: 6, archive });
    expect(await failureOf(pruning)).toMatchObject({ code: "EVENTS_NEEDED" });
    expect(archived).toEqual([]);
    expect(await store.streams.pruneStream("a", { before: 3, archive })).toMatchObject({ removedEvents: 2 });
    expect(archived).toEqual([1, 2]);
  });

  test("retention keeps so many events, and events that are young enough", async () => {
    await using store = await open();
    await store.write("metric-a", 10);
    await store.write("session-a", 10);
    store.pass(2 * DAY_MS);
    await store.write("session-a", 5);
    await store.write("other", 10);
    const rules = [
      { prefix: "metric-", maxEvents: 4 },
      { prefix: "session-", maxAgeMs: DAY_MS, maxEvents: 100 },
    ];
    const planned = await store.retain(rules, { dryRun: true });
    expect(planned).toMatchObject([
      { streamId: "metric-a", version: 10, firstVersion: 7, removedEvents: 6 },
      { streamId: "session-a", version: 15, firstVersion: 11, removedEvents: 10 },
    ]);
    expect(await store.first("metric-a")).toBe(1);
    expect(await store.retain(rules)).toEqual(planned);
    expect(await store.retain(rules)).toEqual([]);
    expect(await store.first("other")).toBe(1);
    store.pass(2 * DAY_MS);
    // The last event stays, whatever its age.
    expect(await store.retain(rules)).toMatchObject([{ streamId: "session-a", version: 15, firstVersion: 15 }]);
  });

  test("retention deletes streams that have ended, and the first rule that fits counts", async () => {
    await using store = await open();
    await store.write("session-a", 3);
    await store.write("session-keep", 3);
    store.pass(2 * DAY_MS);
    await store.write("session-b", 3);
    const rules = [{ prefix: "session-keep" }, { prefix: "session-", deleteAfterMs: DAY_MS }];
    expect(await store.retain(rules, { dryRun: true })).toMatchObject([
      { streamId: "session-a", version: 4, firstVersion: 4, removedEvents: 3 },
    ]);
    expect(await store.retain(rules)).toMatchObject([{ streamId: "session-a", version: 4, removedEvents: 3 }]);
    expect(await store.streams.describeStream("session-a")).toMatchObject({ deleted: true });
    expect(await store.retain(rules)).toEqual([]);
  });

  test("retention deletes no stream that somebody has yet to read, or has parked an event of", async () => {
    await using store = await open();
    const { position } = await store.write("session-a", 3);
    await store.write("session-b", 3);
    store.pass(2 * DAY_MS);
    await store.write("other", 1);
    const rules = [{ prefix: "session-", deleteAfterMs: DAY_MS }];
    await store.register("@consumers", "mail", position);
    await store.park("session-a", 2);
    for (const dryRun of [true, false]) {
      const reports = await store.retain(rules, { dryRun });
      expect(reports.filter(({ streamId }) => streamId === "session-b")).toEqual([]);
    }
    for (const streamId of ["session-a", "session-b"]) {
      expect(await store.streams.describeStream(streamId)).toMatchObject({
        version: 3,
        firstVersion: 1,
        deleted: false,
      });
    }
    await store.register("@consumers", "mail", position + 4);
    expect(await store.retain(rules)).toMatchObject([{ streamId: "session-b", version: 4, removedEvents: 3 }]);
    expect(await store.streams.describeStream("session-a")).toMatchObject({ version: 3, deleted: false });
  });

  test("retention ends with its signal, and lets go of its lease", async () => {
    await using store = await open();
    for (const streamId of ["a", "b"]) await store.write(streamId, 10);
    const rules = [{ prefix: "", maxEvents: 1 }];
    const stopping = new AbortController();
    const reason = new Error("changed my mind");
    const applying = applyRetention(store.streams, rules, { signal: stopping.signal })[Symbol.asyncIterator]();
    expect((await applying.next()).value).toMatchObject({ streamId: "a", firstVersion: 10 });
    stopping.abort(reason);
    expect(await failureOf(applying.next())).toBe(reason);
    expect(await store.first("b")).toBe(1);
    expect(await store.retain(rules)).toMatchObject([{ streamId: "b", firstVersion: 10 }]);
  });

  test("retention goes only as far as a snapshot reaches and readers have read", async () => {
    await using store = await open();
    await store.write("a", 100);
    await store.write("b", 100);
    const rules = [{ prefix: "", maxEvents: 10, behindSnapshot: "state@1" }];
    expect(await store.retain(rules)).toEqual([]);
    for (const id of ["a", "b"]) {
      const stream = await store.streams.openStream(id);
      await stream.snapshot(1, { version: 60, projection: "state@1" });
    }
    await store.register("@consumers", "mail", 130);
    expect(await store.retain(rules)).toMatchObject([
      { streamId: "a", firstVersion: 61 },
      { streamId: "b", firstVersion: 31 },
    ]);
  });

  test("retention yields nothing while another process applies it", async () => {
    await using store = await open();
    await store.write("a", 10);
    const rules = [{ prefix: "", maxEvents: 1 }];
    const lease = { owner: "another", untilMs: Date.now() + 60_000 };
    await store.transact(({ records }) => records.put("@retention", "lease", lease), {});
    expect(await store.retain(rules)).toEqual([]);
    expect(await store.retain(rules, { dryRun: true })).toEqual([]);
    await store.transact(
      ({ records }) => records.put("@retention", "lease", { ...lease, untilMs: Date.now() - 1 }),
      {},
    );
    expect(await store.retain(rules)).toMatchObject([{ streamId: "a", firstVersion: 10 }]);
    expect(await store.transact(({ records }) => records.get("@retention", "lease"), {})).toBeNull();
  });

  test("a dry run goes on beside retention, and writes nothing", async () => {
    await using store = await open();
    await store.write("a", 10);
    const rules = [{ prefix: "", maxEvents: 1 }];
    const trying = applyRetention(store.streams, rules, { dryRun: true })[Symbol.asyncIterator]();
    const report = { streamId: "a", firstVersion: 10, removedEvents: 9 };
    expect((await trying.next()).value).toMatchObject(report);
    expect(await store.transact(({ records }) => records.get("@retention", "lease"), {})).toBeNull();
    expect(await store.retain(rules)).toMatchObject([report]);
    expect(await trying.next()).toEqual({ done: true, value: undefined });
  });

  test.each([-DAY_MS, DAY_MS])(
    "retention is held up by no process that died with its clock %i ms ahead",
    async (aheadMs) => {
      await using store = await open();
      await store.write("a", 10);
      const lease = { owner: "another", untilMs: Date.now() + aheadMs };
      await store.transact(({ records }) => records.put("@retention", "lease", lease), {});
      expect(await store.retain([{ prefix: "", maxEvents: 1 }])).toMatchObject([{ streamId: "a", firstVersion: 10 }]);
    },
  );

  test("retention by a process whose clock is ahead ends where another begins it, which does the rest", async () => {
    await using store = await open();
    for (const streamId of ["a", "b"]) await store.write(streamId, 10);
    const rules = [{ prefix: "", maxEvents: 1 }];
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + DAY_MS);
    const applying = applyRetention(store.streams, rules)[Symbol.asyncIterator]();
    expect((await applying.next()).value).toMatchObject({ streamId: "a", firstVersion: 10 });
    clock.mockRestore();
    const lease = { owner: "another", untilMs: Date.now() + 60_000 };
    await store.transact(({ records }) => records.put("@retention", "lease", lease), {});
    expect(await applying.next()).toEqual({ done: true, value: undefined });
    expect(await store.first("b")).toBe(1);
    await store.transact(({ records }) => records.delete("@retention", "lease"), {});
    expect(await store.retain(rules)).toMatchObject([{ streamId: "b", firstVersion: 10 }]);
  });

  test("retention refuses what is no factory with administration", async () => {
    await using store = await open();
    const stream = await store.streams.openStream("a");
    for (const [streams, got] of [
      [{}, "an object"],
      [stream, "a stream handle"],
    ]) {
      const applying = applyRetention(streams as never, [])
        [Symbol.asyncIterator]()
        .next();
      const message = `Cannot apply retention: invalid streams: expected a store, got ${got}.`;
      await expect(applying).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "streams", message });
    }
  });
});
