import { type BenchEvent, makeNumberedEvent, type NumberedEvent } from "../bench-event.js";
import type { Store, WatchedStream } from "../subject.js";

/** Emmett's store, whatever it stores in. */
export interface EmmettStore {
  appendToStream(
    name: string,
    events: readonly object[],
    options: { expectedStreamVersion: unknown },
  ): Promise<unknown>;
  readStream(name: string, options?: { from?: bigint; to?: bigint }): Promise<{ events: readonly unknown[] }>;
  readonly schema: { migrate(): Promise<unknown> };
}

/** What calls a listener. It polls. */
export interface EmmettConsumer {
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface EmmettProcessor {
  readonly processorId: string;
  readonly startFrom: "CURRENT";
  eachMessage(message: NumberedEvent): void;
}

export function storeOverEmmett(store: EmmettStore, close: () => Promise<void> | void): Store {
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
    close,
  };
}

export function processorOf(listener: (number: number) => void): EmmettProcessor {
  return { processorId: "listener", startFrom: "CURRENT", eachMessage: ({ data }) => listener(data.number) };
}

/** Starts a consumer that has its processor already. */
export function watchOverEmmett(
  store: EmmettStore,
  consumer: EmmettConsumer,
  close: () => Promise<void> | void,
): WatchedStream {
  // Settles when the consumer is closed.
  const consumed = consumer.start();
  return {
    async append(number) {
      const { type, data } = makeNumberedEvent(number);
      await store.appendToStream("account", [{ type, data }], { expectedStreamVersion: "NO_CONCURRENCY_CHECK" });
    },
    async close() {
      await consumer.close();
      await consumed;
      await close();
    },
  };
}
