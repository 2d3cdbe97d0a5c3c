import type { BenchEvent } from "../bench-event.js";
import type { Durability, Store } from "../subject.js";
import { importPeer } from "./import-peer.js";

export const ACT_STORE_PACKAGE = "@rotorsoft/act-sqlite";

interface ActModule {
  readonly SqliteStore: new (options: { url: string }) => ActStore;
}

/** The part of its store that is used here. */
export interface ActStore {
  readonly client: {
    execute(sql: string): Promise<unknown>;
    batch(statements: readonly { sql: string; args: readonly unknown[] }[], mode: "write"): Promise<unknown>;
  };
  seed(): Promise<void>;
  commit(stream: string, messages: readonly object[], meta: object, expectedVersion: number): Promise<unknown>;
  query(callback: (event: unknown) => void, query: object): Promise<number>;
  dispose(): Promise<void>;
}

export async function openActStore(path: string, durability: Durability): Promise<ActStore> {
  const { SqliteStore } = await importPeer<ActModule>(ACT_STORE_PACKAGE);
  const store = new SqliteStore({ url: `file:${path}` });
  await store.seed();
  if (durability === "normal") await store.client.execute("PRAGMA synchronous = NORMAL");
  return store;
}

export async function openAct(path: string, durability: Durability): Promise<Store> {
  const store = await openActStore(path, durability);

  async function append(streamId: string, events: readonly BenchEvent[], version: number): Promise<void> {
    const messages = events.map(({ type, data }) => ({ name: type, data }));
    const meta = { correlation: events[0]?.metadata?.user ?? "", causation: {} };
    // Its versions begin at 0, and an empty stream is at -1.
    await store.commit(streamId, messages, meta, version - 1);
  }
  return {
    append: (streamId, event, version) => append(streamId, [event], version),
    appendBatch: append,
    readAll: (stream) => store.query(() => undefined, { stream, stream_exact: true }),
    readLast: (stream, limit) => store.query(() => undefined, { stream, stream_exact: true, backward: true, limit }),
    readType: (type) => store.query(() => undefined, { names: [type] }),
    close: () => store.dispose(),
  };
}
