import { type SQLiteOptions, type Stream, type StreamFactory, sqliteStreamFactory } from "async-streams";
import { type BenchEvent, makeNumberedEvent, type NumberedEvent } from "../bench-event.js";
import type { Durability, Store, Subject } from "../subject.js";

const SETTINGS = { normal: "WAL, synchronous NORMAL", full: "WAL, synchronous FULL" };

/** The library as its users have it: the built package, with the default driver. */
export const library: Subject = {
  name: "library",
  format: "library",
  settings: SETTINGS,
  packages: ["sqlite3"],
  whyMissing: async () => null,
  open: (path, durability) => openLibrary(path, { durability }),
  openWatched: (path, durability, listener) => watchLibrary(path, { durability }, listener),
};

/** The library over its other driver. */
export const libraryBetter: Subject = {
  name: "library-better",
  format: "library",
  settings: SETTINGS,
  packages: ["better-sqlite3"],
  async whyMissing() {
    try {
      const store = await openLibrary(":memory:", withBetterSqlite("normal"));
      await store.close();
      return null;
    } catch (error) {
      return `the option driver: "better-sqlite3" is not to be had here (${(error as Error).message})`;
    }
  },
  open: (path, durability) => openLibrary(path, withBetterSqlite(durability)),
  openWatched: (path, durability, listener) => watchLibrary(path, withBetterSqlite(durability), listener),
};

function withBetterSqlite(durability: Durability): SQLiteOptions {
  const options: SQLiteOptions & { driver: "better-sqlite3" } = { durability, driver: "better-sqlite3" };
  return options;
}

async function openLibrary(path: string, options: SQLiteOptions): Promise<Store> {
  return storeOverFactory(await sqliteStreamFactory(path, options));
}

async function watchLibrary(path: string, options: SQLiteOptions, listener: (number: number) => void) {
  const factory = await sqliteStreamFactory(path, options);
  const stream = await factory.openStream<NumberedEvent>("account");
  stream.watch().subscribe(({ data }) => listener(data.number));
  return {
    append: async (number: number) => void (await stream.write(makeNumberedEvent(number))),
    close: () => factory[Symbol.asyncDispose](),
  };
}

/** Keeps a handle open on each stream, as a service does. */
export function storeOverFactory(factory: StreamFactory): Store {
  const handles = new Map<string, Stream>();

  async function handleOn(streamId: string): Promise<Stream> {
    const handle = await factory.openStream(streamId);
    handles.set(streamId, handle);
    return handle;
  }
  async function write(streamId: string, events: BenchEvent | readonly BenchEvent[], version: number): Promise<void> {
    const stream = handles.get(streamId) ?? (await handleOn(streamId));
    await stream.write(events, { expectedVersion: version });
  }

  return {
    append: write,
    appendBatch: write,
    async readAll(streamId) {
      const stream = handles.get(streamId) ?? (await handleOn(streamId));
      let count = 0;
      for await (const _ of stream.read()) count += 1;
      return count;
    },
    async readLast(streamId, limit) {
      const stream = handles.get(streamId) ?? (await handleOn(streamId));
      let count = 0;
      for await (const _ of stream.read({ direction: "backward", limit })) count += 1;
      return count;
    },
    close: () => factory[Symbol.asyncDispose](),
    factory,
  };
}
