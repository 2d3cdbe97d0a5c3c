import { resolve } from "node:path";
import type { StreamBackend, StreamFactory } from "../../protocols/index.js";
import { invalidArgument } from "../../src/check-arguments.js";
import { createStreamFactory } from "../../src/create-stream-factory.js";
import { describeValue } from "../../src/json-text.js";
import { AppendGroup } from "./append-group.js";
import { AppendQueue } from "./append-queue.js";
import { CommitFeed } from "./commit-feed.js";
import type { SQLiteDriver } from "./driver.js";
import { inspectFile } from "./inspect-file.js";
import { openForReading, openForWriting } from "./open-database.js";
import { type ReadConnections, ReadPool } from "./read-pool.js";
import { SQLiteNotifier } from "./sqlite-notifier.js";
import { parseSQLiteOptions, type SQLiteOptions } from "./sqlite-options.js";
import { SQLiteStorageHandle } from "./sqlite-storage-handle.js";
import { sqlite3Driver } from "./sqlite3-driver.js";
import { StreamHeads } from "./stream-heads.js";
import { Writer } from "./writer.js";

const IN_MEMORY = ":memory:";

/**
 * Opens a store in a SQLite database, and makes it where there is none. Several factories, in one process or in many,
 * may use one file at the same time.
 *
 * @param path - a file in a folder that exists, or `":memory:"` for a store that lives as long as the factory.
 * @throws InvalidArgumentError when the path or an option is none.
 * @throws StorageError when the file cannot be used; its `code` says why, and the file is as it was.
 *
 * @example
 * ```ts
 * await using streams = await sqliteStreamFactory("bank.db");
 * ```
 */
export async function sqliteStreamFactory(path: string, options?: SQLiteOptions): Promise<StreamFactory> {
  return createStreamFactory(await openSQLiteBackend(path, options));
}

/** Opens the storage handle and the notifier of a SQLite store, over another driver where one is given. */
export async function openSQLiteBackend(
  path: string,
  options?: SQLiteOptions,
  driver: SQLiteDriver = sqlite3Driver,
): Promise<StreamBackend> {
  const settings = parseSQLiteOptions(options);
  const location = checkPath(path);
  const isInMemory = location === IN_MEMORY;
  if (!isInMemory) await inspectFile(location);
  const writer = new Writer(await openForWriting(driver, location, settings));
  const openReader = () => openForReading(driver, location, settings);
  const feed = new CommitFeed();
  const { busyTimeoutMs, pollIntervalMs, readPoolSize } = settings;
  const group = new AppendGroup(new StreamHeads(), feed, location);
  const storage = new SQLiteStorageHandle({
    location,
    busyTimeoutMs,
    writer,
    reads: isInMemory ? readsThroughWriter(writer) : new ReadPool(readPoolSize, openReader),
    appends: new AppendQueue({ writer, group, location, busyTimeoutMs }),
  });
  const notifier = new SQLiteNotifier({ feed, pollIntervalMs, open: isInMemory ? undefined : openReader });
  return { storage, notifier };
}

/** A database in memory has one connection, and reads take their turn between the writes. */
function readsThroughWriter(writer: Writer): ReadConnections {
  return { use: (task) => writer.use(task), close: async () => undefined };
}

function checkPath(path: unknown): string {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw invalidArgument("path", `expected the path of a file, or ":memory:", got ${describeValue(path)}`);
  }
  // An absolute path is never read as a URI, whatever characters are in it.
  return path === IN_MEMORY ? path : resolve(path);
}
