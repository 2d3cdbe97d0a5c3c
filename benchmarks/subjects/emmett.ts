import { type BenchEvent, makeNumberedEvent, type NumberedEvent } from "../bench-event.js";
import type { Durability, Store, Subject } from "../subject.js";
import { importPeer, whyPeerIsMissing } from "./import-peer.js";

const PACKAGE = "@event-driven-io/emmett-sqlite";

/** Emmett's store over SQLite, as its documentation opens it. */
export const emmett: Subject = {
  name: "emmett-sqlite",
  format: "emmett-sqlite",
  settings: { full: "WAL, synchronous FULL, as it comes; there is no option" },
  without: { W2: "it has no idempotency keys" },
  isPeer: true,
  packages: [PACKAGE, "@event-driven-io/emmett", "sqlite3"],
  whyMissing: () => whyPeerIsMissing(PACKAGE),
  open: openEmmett,
  openWatched: watchEmmett,
};

interface EmmettModule {
  getSQLiteEventStore(options: { fileName: string }): EmmettStore;
}

interface EmmettStore {
  appendToStream(
    name: string,
    events: readonly object[],
    options: { expectedStreamVersion: unknown },
  ): Promise<unknown>;
  readStream(name: string, options?: { from?: bigint; to?: bigint }): Promise<{ events: readonly unknown[] }>;
  consumer(): EmmettConsumer;
  readonly schema: { migrate(): Promise<void> };
}

interface EmmettConsumer {
  processor(options: {
    readonly processorId: string;
    readonly startFrom: "CURRENT";
    eachMessage(message: NumberedEvent): void;
  }): void;
  start(): Promise<void>;
  close(): Promise<void>;
}

async function openStore(path: string): Promise<EmmettStore> {
  const { getSQLiteEventStore } = await importPeer<EmmettModule>(PACKAGE);
  const store = getSQLiteEventStore({ fileName: path });
  await store.schema.migrate();
  // It writes each error to the console before it throws it.
  console.log = () => undefined;
  return store;
}

async function openEmmett(path: string, _durability: Durability): Promise<Store> {
  const store = await openStore(path);

  async function append(streamId: string, events: readonly BenchEvent[], version: number): Promise<void> {
    const expectedStreamVersion = version === 0 ? "STREAM_DOES_NOT_EXIST" : BigInt(version);
    const theirs = events.map(({ type, data, metadata }) => ({ type, data, metadata }));
    await store.appendToStream(streamId, theirs, { expectedStreamVersion });
  }
  return {
    append: (streamId, event, version) => append(streamId, [event], version),
    appendBatch: append,
    readAll: async (streamId) => (await store.readStream(streamId)).events.length,
    async readLast(streamId, count, version) {
      const { events } = await store.readStream(streamId, { from: BigInt(version - count + 1), to: BigInt(version) });
      return events.length;
    },
    close: () => undefined,
  };
}

async function watchEmmett(path: string, _durability: Durability, listener: (number: number) => void) {
  const store = await openStore(path);
  const consumer = store.consumer();
  consumer.processor({
    processorId: "listener",
    startFrom: "CURRENT",
    eachMessage: ({ data }) => listener(data.number),
  });
  // Settles when the consumer is closed.
  const consumed = consumer.start();
  return {
    async append(number: number): Promise<void> {
      const { type, data } = makeNumberedEvent(number);
      await store.appendToStream("account", [{ type, data }], { expectedStreamVersion: "NO_CONCURRENCY_CHECK" });
    },
    async close(): Promise<void> {
      await consumer.close();
      await consumed;
    },
  };
}
