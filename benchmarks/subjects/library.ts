import { rawSQL, type SQLiteOptions, type Stream, type StreamFactory, sql, sqliteStreamFactory } from "async-streams";
import { type BenchEvent, makeNumberedEvent, type NumberedEvent } from "../bench-event.js";
import type { Store, Subject, TransactingStore, WatchedStream } from "../subject.js";
import { CREATE_ACCOUNTS } from "./accounts-table.js";
import {
  type HandProjection,
  projectOverBetterSqlite3,
  projectOverNodeSqlite,
  projectOverSqlite3,
} from "./hand-projection.js";
import { commandLibrary } from "./library-commands.js";
import { projectLibrary } from "./library-projections.js";

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
  openTransacting: (path, durability) => transactLibrary(path, { durability }),
  openCommanding: (path, durability) => commandLibrary(path, { durability }),
  openProjecting: (path, durability) => projectLibrary(path, { durability }, projectOverSqlite3),
};

export const libraryBetter = libraryOver("library-better", "better-sqlite3");
export const libraryNode = libraryOver("library-node", "node:sqlite");

const BY_HAND: Readonly<Record<"better-sqlite3" | "node:sqlite", HandProjection>> = {
  "better-sqlite3": projectOverBetterSqlite3,
  "node:sqlite": projectOverNodeSqlite,
};

/** The library over another driver, where this machine has it. */
function libraryOver(name: string, driver: "better-sqlite3" | "node:sqlite"): Subject {
  return {
    name,
    format: "library",
    settings: SETTINGS,
    packages: driver === "node:sqlite" ? [] : [driver],
    async whyMissing() {
      try {
        const store = await openLibrary(":memory:", { driver });
        await store.close();
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    },
    open: (path, durability) => openLibrary(path, { durability, driver }),
    openWatched: (path, durability, listener) => watchLibrary(path, { durability, driver }, listener),
    openTransacting: (path, durability) => transactLibrary(path, { durability, driver }),
    openCommanding: (path, durability) => commandLibrary(path, { durability, driver }),
    openProjecting: (path, durability) => projectLibrary(path, { durability, driver }, BY_HAND[driver]),
  };
}

async function openLibrary(path: string, options: SQLiteOptions): Promise<Store> {
  return storeOverFactory(await sqliteStreamFactory(path, options));
}

async function watchLibrary(path: string, options: SQLiteOptions, listener: (number: number) => void) {
  return watchOverFactory(await sqliteStreamFactory(path, options), listener);
}

export async function watchOverFactory(
  factory: StreamFactory,
  listener: (number: number) => void,
): Promise<WatchedStream> {
  const stream = await factory.openStream<NumberedEvent>("account");
  stream.watch().subscribe(({ data }) => listener(data.number));
  return {
    append: async (number: number) => void (await stream.write(makeNumberedEvent(number))),
    close: () => factory[Symbol.asyncDispose](),
  };
}

async function transactLibrary(path: string, options: SQLiteOptions): Promise<TransactingStore> {
  const factory = await sqliteStreamFactory(path, options);
  await factory.transaction((tx) => tx.sql.run(rawSQL(CREATE_ACCOUNTS)));
  return {
    transact: (account, event) =>
      factory.transaction(async (tx) => {
        for await (const _ of tx.read(account, { direction: "backward", limit: 1 }));
        await tx.write(account, event);
        await tx.sql.run(sql`
          INSERT INTO accounts VALUES (${account}, 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1`);
      }),
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
