import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import {
  type AdministrableStreamFactory,
  ConcurrencyError,
  createStreamFactory,
  InvalidEventError,
  type StorageHandle,
  StreamClosedError,
  type TransactionalStreamFactory,
} from "../../../index.js";
import { documents, readDocument, runProjections } from "../../../projections.js";
import { connectStreams, exposeStreams, type StreamPort } from "../../../src/worker/index.js";
import { collect, eventsOf } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Gate } from "../../conformance/support/transactions.js";

const EVENT = { type: "A", data: null };

/** A store, and its connection through a channel. */
async function openPair() {
  const { port1, port2 } = new MessageChannel();
  const store = memoryStreamFactory();
  const exposed = exposeStreams(store, port1);
  const streams = await connectStreams<TransactionalStreamFactory & AdministrableStreamFactory>(port2);
  return { port1, port2, store, exposed, streams };
}

/** A transaction of the connection that writes, and then waits. */
async function beginTransaction(streams: TransactionalStreamFactory) {
  const [begun, end] = [new Gate(), new Gate()];
  const working = streams.transaction(async (tx) => {
    await tx.write("a", EVENT);
    begun.open();
    await end.opened;
    await tx.write("a", EVENT);
  });
  const ended: Promise<unknown> = working.then(
    () => "committed",
    (error: unknown) => error,
  );
  await begun.opened;
  return { ended, end };
}

test("a connection waits until the store is exposed, and ignores the messages of others", async () => {
  const { port1, port2 } = new MessageChannel();
  await using store = memoryStreamFactory();
  const connecting = connectStreams(port2);
  port1.postMessage({ kind: "call" });
  for (const message of [null, { "async-streams": null }, { "async-streams": "1.0" }]) {
    port1.postMessage(message);
    port2.postMessage(message);
  }
  using _exposed = exposeStreams(store, port1);
  await using streams = await connecting;

  expect(await (await streams.openStream("a")).write(EVENT)).toMatchObject({ version: 1 });
});

test("a connection that nobody answers ends when the other end goes away", async () => {
  const { port1, port2 } = new MessageChannel();
  const connecting = failureOf(connectStreams(port2));
  port1.close();

  expect(await connecting).toBeInstanceOf(StreamClosedError);
});

test("a port whose other end went away before is refused a connection, and one that nothing waits for is not", async () => {
  await using store = memoryStreamFactory();
  for (const closed of ["port1", "port2"] as const) {
    const channel = new MessageChannel();
    const isClosed = Promise.all([once(channel.port1, "close"), once(channel.port2, "close")]);
    channel[closed].close();
    await isClosed;
    using _exposed = exposeStreams(store, channel.port1);
    expect(await failureOf(connectStreams(channel.port2))).toBeInstanceOf(StreamClosedError);
  }
  const { port1, port2 } = new MessageChannel();
  port2.on("message", () => undefined).unref();
  using _exposed = exposeStreams(store, port1);
  await using streams = await connectStreams(port2);
  expect((await streams.openStream("a")).version).toBe(0);
});

test("a long read crosses in pages of 128 events, so that the thread of the store comes to its other work", async () => {
  const { port1, port2 } = new MessageChannel();
  await using store = memoryStreamFactory();
  const sizes: number[] = [];
  const spy: StreamPort = {
    postMessage(message) {
      sizes.push(countOf(message));
      port1.postMessage(message);
    },
    on: (event, listener) => port1.on(event, listener),
    off: (event, listener) => port1.off(event, listener),
  };
  using _exposed = exposeStreams(store, spy);
  await using streams = await connectStreams<TransactionalStreamFactory>(port2);
  await (await store.openStream("long")).write(Array.from({ length: 1_000 }, () => EVENT));

  expect(await eventsOf(await streams.openStream("long"))).toHaveLength(1_000);
  expect(await streams.transaction((tx) => collect(tx.read("long")))).toHaveLength(1_000);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(2_000);
  expect(Math.max(...sizes)).toBe(128);
});

/** How many events a message has. */
function countOf(message: unknown): number {
  return JSON.stringify(message).split('"streamId":"long"').length - 1;
}

test("what is no port, or no store, or in use is refused", async () => {
  const { port1, port2, store, streams } = await openPair();
  const refused = { code: "INVALID_ARGUMENT" };

  expect(() => exposeStreams(store, port1)).toThrow(expect.objectContaining({ ...refused, argument: "port" }));
  expect(() => exposeStreams({} as never, port1)).toThrow(expect.objectContaining({ ...refused, argument: "streams" }));
  expect(await failureOf(connectStreams({} as never))).toMatchObject({
    ...refused,
    message: expect.stringContaining("Cannot connect to a store: invalid port"),
  });
  expect(await failureOf(connectStreams(port2))).toMatchObject({ ...refused, argument: "port" });
  await streams[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

test("the end of a connection ends what is under way in it, and no transaction of it is left", async () => {
  const { port2, store, streams } = await openPair();
  await using _store = store;
  const watch = failureOf(eventsOfWatch(streams));
  const { ended } = await beginTransaction(streams);
  const written = (await store.openStream("a")).write(EVENT);
  port2.close();

  expect(await ended).toBeInstanceOf(StreamClosedError);
  expect(await watch).toBeInstanceOf(StreamClosedError);
  expect(await failureOf(streams.openStream("a"))).toBeInstanceOf(StreamClosedError);
  expect(await written).toMatchObject({ version: 1 });
});

test("the end of the exposure ends the connection, and the store goes on", async () => {
  const { exposed, store, streams } = await openPair();
  await using _store = store;
  const { ended } = await beginTransaction(streams);
  exposed[Symbol.dispose]();

  expect(await ended).toBeInstanceOf(StreamClosedError);
  expect(await (await store.openStream("a")).write(EVENT)).toMatchObject({ version: 1 });
});

test("the disposal of the store lets a transaction of a worker finish, and refuses other calls", async () => {
  const { store, streams } = await openPair();
  const { ended, end } = await beginTransaction(streams);
  const disposal = store[Symbol.asyncDispose]();
  const refused = await failureOf(streams.openStream("b"));
  end.open();
  await disposal;

  expect(refused).toMatchObject({ code: "STREAM_CLOSED" });
  expect(await ended).toBe("committed");
});

test("the disposal of a connection leaves the store, and the port takes another", async () => {
  const { port2, store, streams } = await openPair();
  await using _store = store;
  await (await streams.openStream("a")).write(EVENT);
  await streams[Symbol.asyncDispose]();
  await using again = await connectStreams(port2);

  expect((await eventsOf(await again.openStream("a"))).length).toBe(1);
});

test("a write that is aborted while it waits for a transaction is not stored", async () => {
  const { store, streams } = await openPair();
  await using _store = store;
  await using _streams = streams;
  const a = await streams.openStream("a");
  const { ended, end } = await beginTransaction(streams);
  const [controller, reason] = [new AbortController(), new Error("changed my mind")];
  const aborted = failureOf(a.write(EVENT, { signal: controller.signal }));
  controller.abort(reason);

  expect(await aborted).toBe(reason);
  end.open();
  await ended;
  expect((await eventsOf(a)).length).toBe(2);
});

test("more writes than may be under way are stored in order, and may be aborted while they wait for their turn", async () => {
  const { store, streams } = await openPair();
  await using _store = store;
  await using _streams = streams;
  const a = await streams.openStream("a");
  const controller = new AbortController();
  const writes = Array.from({ length: 1_500 }, (_, index) => a.write({ type: "A", data: index }));
  const last = failureOf(a.write(EVENT, { signal: controller.signal }));
  controller.abort();
  const large = [1, 2, 3].map((index) => a.write({ type: "A", data: String(index).repeat(9_000_000) }));

  expect((await Promise.all(writes)).map(({ version }) => version)).toEqual(writes.map((_, index) => index + 1));
  expect(await last).toBe(controller.signal.reason);
  expect((await Promise.all(large)).map(({ version }) => version)).toEqual([1_501, 1_502, 1_503]);
});

test("an inline projection of the store takes part in the writes and the transactions of a worker", async () => {
  const { store, streams } = await openPair();
  await using _store = store;
  await using _streams = streams;
  const counts = documents<number, { type: string; data: unknown }>({
    name: "counts",
    evolve: (count, { data }) => {
      if (data === "poison") throw new RangeError("no such event", { cause: "poison" });
      if (data === "no text") throw Object.assign(Object.create(null), { run: () => undefined });
      return (count ?? 0) + 1;
    },
  });
  await using _runner = await runProjections(store, [counts], { mode: "inline" });
  const a = await streams.openStream("a");
  await a.write(EVENT);
  expect(await readDocument(streams, "counts", "a")).toBe(1);
  await streams.transaction((tx) => tx.write("a", EVENT));
  expect(await readDocument(streams, "counts", "a")).toBe(2);
  await streams.writeAll([{ streamId: "a", events: EVENT }]);
  expect(await readDocument(streams, "counts", "a")).toBe(3);

  const failure = await failureOf(a.write({ type: "A", data: "poison" }));
  expect(failure).toBeInstanceOf(RangeError);
  expect(failure).toMatchObject({ message: "no such event", cause: "poison" });
  // No message can carry what was thrown.
  expect(await failureOf(a.write({ type: "A", data: "no text" }))).toBe("A value was thrown that has no text.");
});

test("a store without transactions has none in a worker either, and the limits of the store hold there", async () => {
  const { port1, port2 } = new MessageChannel();
  const memory = new MemoryStorageHandle();
  const names = ["append", "readPage", "getVersion", "getMetrics", "saveSnapshot", "loadSnapshot"] as const;
  const storage = Object.fromEntries([...names, Symbol.asyncDispose].map((name) => [name, bound(memory, name)]));
  const notifier = new MemoryNotifier(memory);
  const limited = { ...storage, limits: { appendEvents: 1 } } as unknown as StorageHandle;
  await using store = createStreamFactory({ storage: limited, notifier });
  exposeStreams(store, port1);
  await using streams = await connectStreams(port2);

  expect([streams.transaction, streams.writeAll, "listStreams" in streams]).toEqual([undefined, undefined, false]);
  const a = await streams.openStream("a");
  expect(await a.write(EVENT)).toMatchObject({ version: 1 });
  expect(await failureOf(a.write(EVENT, { expectedVersion: 0 }))).toBeInstanceOf(ConcurrencyError);
  expect(await failureOf(a.write([EVENT, EVENT]))).toBeInstanceOf(InvalidEventError);
});

test("an answer that no message can carry fails the call, and the store goes on", async () => {
  const { port1, port2 } = new MessageChannel();
  const storage = new MemoryStorageHandle();
  storage.getMetrics = async () => ({ count: () => 1 }) as never;
  await using store = createStreamFactory({ storage, notifier: new MemoryNotifier(storage) });
  exposeStreams(store, port1);
  await using streams = await connectStreams(port2);
  const a = await streams.openStream("a");

  expect(await failureOf(a.metrics())).toMatchObject({ name: "DataCloneError" });
  expect(await a.write(EVENT)).toMatchObject({ version: 1 });
});

function bound(target: object, name: PropertyKey): unknown {
  return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
}

async function eventsOfWatch(streams: TransactionalStreamFactory): Promise<void> {
  for await (const _ of (await streams.openStream("w")).watch());
}
