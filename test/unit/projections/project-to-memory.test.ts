import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { lastValueFrom, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import { ALL_STREAM, type StreamFactory } from "../../../index.js";
import { StorageError, type StorageErrorCode } from "../../../protocols/index.js";
import { projectToMemory } from "../../../src/projections/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { overriding } from "../../support/overriding.js";
import { STORES } from "../consumers/support/stores.js";

type Deposited = { type: "Deposited"; data: { amount: number } };
const deposited = (amount: number): Deposited => ({ type: "Deposited", data: { amount } });

/** Whoever waits so long does not wait in a test. */
const PATIENTLY = { timeoutMs: 3_600_000 };

const definition = {
  name: "total",
  types: ["Deposited"],
  initial: () => 0,
  evolve: (sum: number, { data }: { data: { amount: number } }) => sum + data.amount,
} as const;

describe.each(STORES)("a read model in memory over %s", (_store, open) => {
  test("has what was stored, and follows", async () => {
    await using streams = await open();
    const a = await streams.openStream<Deposited>("a");
    await a.write([deposited(1), deposited(2)]);
    await using total = await projectToMemory<number, Deposited>(streams, definition);
    expect([total.state, total.position]).toEqual([3, 2]);
    const seen: number[] = [];
    total.changes.subscribe((state) => seen.push(state));
    await a.write([deposited(3), deposited(4)]);
    const { position } = await (await streams.openStream("b")).write({ type: "Other", data: null });
    await total.whenProcessed(position);
    await expect(total.whenProcessed(position + 1, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/^Cannot wait for "\w+" in \S+: /),
    });
    expect(seen).toEqual([6, 10]);
    expect(total.state).toBe(10);
  });

  test("begins at its snapshot, unless that is of another version", async () => {
    await using streams = await open();
    const a = await streams.openStream<Deposited>("a");
    await a.write([1, 2, 3].map(deposited));
    let calls = 0;
    const counting = {
      ...definition,
      snapshotEvery: 2,
      evolve: (sum: number, event: { data: { amount: number } }) => {
        calls += 1;
        return definition.evolve(sum, event);
      },
    };
    {
      await using _ = await projectToMemory<number, Deposited>(streams, counting);
    }
    calls = 0;
    {
      await using total = await projectToMemory<number, Deposited>(streams, counting);
      expect([total.state, calls]).toEqual([6, 0]);
    }
    await using other = await projectToMemory<number, Deposited>(streams, { ...counting, version: 2 });
    expect([other.state, calls]).toEqual([6, 3]);
  });

  test("passes over a snapshot that cannot be used, unless events were removed", async () => {
    await using streams = await open();
    const a = await streams.openStream<Deposited>("a");
    await a.write([1, 2, 3].map(deposited));
    // As a newer version of the library would have saved it.
    const state = { codec: "json+zstd", bytes: Buffer.from("{}") };
    const snapshot = { streamId: ALL_STREAM, projection: "total@1", version: 3, timestamp: new Date(), state };
    await streamContextOf(streams).storage.saveSnapshot(snapshot);
    {
      await using total = await projectToMemory<number, Deposited>(streams, definition);
      expect([total.state, total.position]).toEqual([6, 3]);
    }
    await streams.pruneStream("a", { before: 2 });
    const again = projectToMemory<number, Deposited>(streams, definition);
    await expect(again).rejects.toMatchObject({ code: "STORAGE_NEWER_SCHEMA" });
  });

  test("is made of the events that types and filter let through, and of none of the library's own", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([1, 2, 3].map(deposited));
    await a.write({ type: "Other", data: { amount: 10 } });
    await b.write(deposited(4));
    await streams.deleteStream("b");
    const filter = [{ field: "data.amount", op: ">", value: 1 }] as const;
    await using some = await projectToMemory<number, Deposited>(streams, { ...definition, filter });
    const initial = (): string[] => [];
    const evolve = (types: string[], { type }: { type: string }) => [...types, type];
    await using every = await projectToMemory(streams, { name: "types", initial, evolve });
    expect(some.state).toBe(5);
    expect(every.state).toEqual(["Deposited", "Deposited", "Deposited", "Other"]);
  });

  test("ends when the store is disposed of: its changes complete, and nobody waits any more", async () => {
    const streams = await open();
    const a = await streams.openStream<Deposited>("a");
    const { position } = await a.write(deposited(1));
    await using total = await projectToMemory<number, Deposited>(streams, definition);
    const states = lastValueFrom(total.changes.pipe(toArray()));
    const waiting = expect(total.whenProcessed(position + 2, PATIENTLY)).rejects.toMatchObject({
      code: "STREAM_CLOSED",
    });
    const later = await a.write(deposited(2));
    await total.whenProcessed(later.position);
    await streams[Symbol.asyncDispose]();
    expect(await states).toEqual([3]);
    await waiting;
    await total.whenProcessed(later.position);
    await expect(total.whenProcessed(position + 2, PATIENTLY)).rejects.toThrow('The read model "total" has ended');
    expect(await lastValueFrom(total.changes, { defaultValue: "none" })).toBe("none");
  });

  test("fails with what evolve throws, and so do those who wait, at once; its state stays the last one", async () => {
    await using streams = await open();
    const thrown = new Error("below zero");
    const evolve = (sum: number, { data }: { data: { amount: number } }) => {
      if (data.amount < 0) throw thrown;
      return definition.evolve(sum, { data });
    };
    await using total = await projectToMemory<number, Deposited>(streams, { ...definition, evolve });
    const failures = [lastValueFrom(total.changes), total.whenProcessed(3, PATIENTLY)];
    const failed = Promise.all(failures.map((failure) => expect(failure).rejects.toBe(thrown)));
    await (await streams.openStream("a")).write([deposited(1), deposited(-1), deposited(2)]);
    await failed;
    await expect(total.whenProcessed(2, PATIENTLY)).rejects.toBe(thrown);
    await total.whenProcessed(1);
    expect([total.state, total.position]).toEqual([1, 1]);
  });

  test("ends also while it is made", async () => {
    const streams = await open();
    await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
    let ending: PromiseLike<void> | undefined;
    const evolve = (sum: number) => {
      ending ??= streams[Symbol.asyncDispose]();
      return sum;
    };
    const made = projectToMemory<number, Deposited>(streams, { ...definition, evolve }).then((total) =>
      total.whenProcessed(3, PATIENTLY),
    );
    await expect(made).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    await ending;
  });
});

/** A store over a network that can be away for those who read. */
function openRemoteStore() {
  const storage = new MemoryStorageHandle();
  const state = {
    failure: undefined as StorageErrorCode | undefined,
    /** What snapshots alone fail with. */
    snapshotFailure: undefined as StorageErrorCode | undefined,
    failed: 0,
  };
  const check = (failure = state.failure): void => {
    if (failure === undefined) return;
    state.failed += 1;
    throw new StorageError(failure, "The server has gone.");
  };
  const readPage: typeof storage.readPage = async (query) => {
    check();
    return storage.readPage(query);
  };
  const saveSnapshot: typeof storage.saveSnapshot = async (snapshot) => {
    check(state.snapshotFailure);
    return storage.saveSnapshot(snapshot);
  };
  const remote = overriding(storage, { readPage, saveSnapshot });
  return { streams: createStreamFactory({ storage: remote, notifier: new MemoryNotifier(storage) }), state };
}

test("a read model in memory waits for a server that is away, says so, and goes on", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  const a = await streams.openStream<Deposited>("a");
  await using total = await projectToMemory<number, Deposited>(streams, { ...definition, snapshotEvery: 1 });
  state.failure = "STORAGE_UNAVAILABLE";
  const { position } = await a.write(deposited(1));
  await expect.poll(() => state.failed).toBeGreaterThan(1);
  const failure = total.whenProcessed(position, { timeoutMs: 0 });
  await expect(failure).rejects.toMatchObject({
    code: "TIMEOUT",
    message: expect.stringContaining("It waits, since it cannot read: The server has gone."),
  });
  state.failure = undefined;

  await total.whenProcessed(position);
  expect(total.state).toBe(1);
});

test("a read model in memory that waits for its server ends at once when it is disposed of", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  const total = await projectToMemory<number, Deposited>(streams, definition);
  state.failure = "STORAGE_UNAVAILABLE";
  await (await streams.openStream<Deposited>("a")).write(deposited(1));
  await expect.poll(() => state.failed).toBeGreaterThan(0);
  const states = lastValueFrom(total.changes.pipe(toArray()));
  await total[Symbol.asyncDispose]();
  expect(await states).toEqual([]);
});

test.each(["STORAGE_OUTCOME_UNKNOWN", "STORAGE_UNAVAILABLE", "STORAGE_FULL"] as const)(
  "a read model in memory goes on after a snapshot that fails with %s, says so, and saves a later one",
  async (code) => {
    const { streams, state } = openRemoteStore();
    await using _ = streams;
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    subscribe("async-streams:commands", listener);
    const a = await streams.openStream<Deposited>("a");
    await using total = await projectToMemory<number, Deposited>(streams, { ...definition, snapshotEvery: 1 });
    const seen: number[] = [];
    total.changes.subscribe((sum) => seen.push(sum));
    const all = await streams.openStream(ALL_STREAM);
    const saved = async () => (await all.loadSnapshot({ projection: "total@1" }))?.state;
    state.snapshotFailure = code;
    await a.write(deposited(1));
    await expect.poll(() => messages.length).toBe(1);
    unsubscribe("async-streams:commands", listener);
    expect(messages).toMatchObject([
      { kind: "snapshot-failed", streamId: ALL_STREAM, projection: "total@1", error: { code } },
    ]);
    expect(await saved()).toBeUndefined();
    state.snapshotFailure = undefined;
    await a.write(deposited(2));
    await expect.poll(saved).toBe(3);
    expect(seen).toEqual([1, 3]);
  },
);

test("a read model in memory ends with every other failure of its store", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  await using total = await projectToMemory<number, Deposited>(streams, definition);
  const states = lastValueFrom(total.changes.pipe(toArray()));
  state.failure = "STORAGE_PERMISSION_DENIED";
  await (await streams.openStream<Deposited>("a")).write(deposited(1));
  await expect(states).rejects.toMatchObject({ code: "STORAGE_PERMISSION_DENIED" });
});

test("a read model in memory ends with a store that is not this library's", async () => {
  const streams = memoryStreamFactory();
  const dispose = () => streams[Symbol.asyncDispose]();
  const other = { openStream: (id: string) => streams.openStream(id), [Symbol.asyncDispose]: dispose } as StreamFactory;
  await using total = await projectToMemory<number, Deposited>(other, definition);
  const states = lastValueFrom(total.changes.pipe(toArray()));
  const { position } = await (await streams.openStream("a")).write(deposited(1));
  await total.whenProcessed(position);
  await dispose();
  expect(await states).toEqual([1]);
});

const failing = () => Promise.reject(new Error("never seen")) as never;
const asynchronous = (argument: string) => {
  return { code: "INVALID_ARGUMENT", argument, message: expect.stringContaining("it returned a promise") };
};

test("a read model in memory fails with an asynchronous evolve, and keeps its state", async () => {
  await using streams = memoryStreamFactory();
  const a = await streams.openStream<Deposited>("a");
  await a.write(deposited(1));
  let isAsync = true;
  const evolve: (typeof definition)["evolve"] = (...args) => (isAsync ? failing() : definition.evolve(...args));
  const start = () => projectToMemory<number, Deposited>(streams, { ...definition, evolve });
  await expect(start()).rejects.toMatchObject(asynchronous("evolve"));
  isAsync = false;
  await using total = await start();
  const states = lastValueFrom(total.changes.pipe(toArray()));
  isAsync = true;
  await a.write(deposited(2));
  await expect(states).rejects.toMatchObject(asynchronous("evolve"));
  expect(total).toMatchObject({ state: 1, position: 1 });
});

test("a read model in memory refuses an asynchronous initial", async () => {
  await using streams = memoryStreamFactory();
  const started = projectToMemory<number, Deposited>(streams, { ...definition, initial: failing });
  await expect(started).rejects.toMatchObject(asynchronous("initial"));
});

test("a read model in memory refuses what makes no sense", async () => {
  await using streams = memoryStreamFactory();
  for (const wrong of [{ name: "" }, { evolve: undefined }, { snapshotEvery: 0 }, { type: ["A"] }, { types: [5] }]) {
    const started = projectToMemory(streams, { ...definition, ...wrong } as never);
    await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
});
