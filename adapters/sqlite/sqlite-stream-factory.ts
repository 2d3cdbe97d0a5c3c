import type { MaintainableStreamFactory, StreamBackend } from "../../protocols/index.js";
import type { PlacedEvent } from "../../src/adapter-kit/placed-event.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { AppendGroup } from "./append/append-group.js";
import { AppendQueue } from "./append/append-queue.js";
import { chooseDriver } from "./drivers/choose-driver.js";
import type { SQLiteConnection, SQLiteDriver } from "./drivers/driver.js";
import { AcknowledgedPosition, forgetEarlierStore } from "./maintenance/acknowledged-position.js";
import { AcknowledgedPositionFile } from "./maintenance/acknowledged-position-file.js";
import { Maintenance } from "./maintenance/maintenance.js";
import type { UseConnection } from "./maintenance/maintenance-session.js";
import { CommitFeed } from "./notify/commit-feed.js";
import { SQLiteNotifier } from "./notify/sqlite-notifier.js";
import { inspectSchema } from "./open/inspect-schema.js";
import { openForReading, openForWriting, openStore } from "./open/open-database.js";
import { OpenFiles } from "./open/open-files.js";
import { claimStoreFile, type StoreFile } from "./open/store-file.js";
import { IN_MEMORY, parseStorePath } from "./open/store-path.js";
import { type ReadConnections, ReadPool } from "./read/read-pool.js";
import { LockClock, retryWhileBusy } from "./retry-busy.js";
import { storageError } from "./sqlite-errors.js";
import { parseSQLiteOptions, type SQLiteOptions, type SQLiteSettings } from "./sqlite-options.js";
import { SQLiteStorageHandle } from "./sqlite-storage-handle.js";
import { WalCheckpointer } from "./transaction/wal-checkpointer.js";
import { Writer } from "./transaction/writer.js";

/**
 * Opens a store in a SQLite database, and makes it where there is none. Several factories, in one thread, in many or
 * in other processes, may use one file at the same time; those of one process must use the same driver.
 *
 * @param path - the path or the `file:` URL of a file in a folder that exists, or `":memory:"` for a store that lives as
 * long as the factory.
 * @throws InvalidArgumentError when the path or an option is none.
 * @throws StorageError when the file cannot be used; its `code` says why, and the file is as it was.
 *
 * @example
 * ```ts
 * await using streams = await sqliteStreamFactory("bank.db");
 * ```
 */
export async function sqliteStreamFactory(
  path: string | URL,
  options?: SQLiteOptions,
): Promise<MaintainableStreamFactory> {
  const { maintenance, ...backend } = await openSQLiteBackend(path, options);
  const streams = createStreamFactory(backend);
  return {
    openStream: (streamId) => streams.openStream(streamId),
    verify: (verifyOptions) => maintenance.verify(verifyOptions),
    backup: (target, backupOptions) => maintenance.backup(target, backupOptions),
    [Symbol.asyncDispose]() {
      maintenance.end();
      return streams[Symbol.asyncDispose]();
    },
  };
}

/** The parts of a SQLite store: the storage handle, the notifier, and what checks and copies it. */
export interface SQLiteBackend extends StreamBackend {
  readonly maintenance: Maintenance;
}

/** Opens the parts of a SQLite store, over a driver of the caller's where one is given. */
export async function openSQLiteBackend(
  path: string | URL,
  options?: SQLiteOptions,
  ownDriver?: SQLiteDriver,
): Promise<SQLiteBackend> {
  const settings = parseSQLiteOptions(options);
  const driver = ownDriver ?? (await chooseDriver(settings.driver));
  const location = parseStorePath(path);
  const isInMemory = location === IN_MEMORY;
  const file = isInMemory ? undefined : await claimStoreFile(location, driver);
  const { connection, writer, files } = await openWriterOrRelease(driver, location, settings, file);
  const acknowledgedFile = files && new AcknowledgedPositionFile(files.path);
  if (file?.isNew && acknowledgedFile !== undefined)
    await forgetEarlierStore(writer, acknowledgedFile).catch(() => undefined);
  const useOnly: UseConnection | undefined = isInMemory ? (task) => writer.use(task) : undefined;
  const openReader = () => openForReading(driver, files as OpenFiles, settings);
  const openWriter = () => openForWriting(driver, files as OpenFiles, settings);
  const checkpointer = files && new WalCheckpointer(writer, files, openWriter);
  const feed = new CommitFeed();
  const { busyTimeoutMs, checksums, now, pollIntervalMs, readPoolSize } = settings;
  const open = (mode: "existing" | "readonly") => (mode === "existing" ? openWriter() : openReader());
  const maintenance = new Maintenance({ driver, location, busyTimeoutMs, open, useOnly, acknowledgedFile });
  const group = new AppendGroup({ feed, location, checksums, now, files });
  const reads = isInMemory ? readsThroughWriter(writer) : new ReadPool(readPoolSize, openReader);
  const acknowledged = checksums && acknowledgedFile ? recordFrom(feed, acknowledgedFile, writer) : undefined;
  const writeLock = new LockClock(busyTimeoutMs);
  const storage = new SQLiteStorageHandle({
    location,
    files,
    writeLock,
    readLock: new LockClock(busyTimeoutMs),
    writer,
    reads,
    appends: new AppendQueue({ writer, group, location, lock: writeLock, checkpointer }),
    checkpointer,
    maintenance,
    acknowledged,
    file,
  });
  const notifier = new SQLiteNotifier({ feed, pollIntervalMs, location, files, open: files && openReader });
  // What fails here is left to the first call that needs it: that one waits for locks, and says what was attempted.
  const openAtOnce = () => openForReading(driver, files as OpenFiles, { ...settings, busyTimeoutMs: 0 });
  await Promise.allSettled([reads.prepare(openAtOnce), group.prepare(connection)]);
  return { storage, notifier, now, maintenance };
}

/** What the first connection is opened with. */
interface OpenedStore {
  readonly connection: SQLiteConnection;
  readonly writer: Writer;
  /** Undefined for a database in memory. */
  readonly files: OpenFiles | undefined;
}

/** Opens the first connection, and releases the file where that fails. */
async function openWriterOrRelease(
  driver: SQLiteDriver,
  location: string,
  settings: SQLiteSettings,
  file: StoreFile | undefined,
): Promise<OpenedStore> {
  try {
    const connection = await openStore(driver, location, settings);
    const { files, triggers } = await inspectOrClose(connection, location, settings, file);
    return { connection, files, writer: new Writer(connection, location, triggers, files) };
  } catch (error) {
    file?.release();
    throw error;
  }
}

/** @returns the files that were opened, and the triggers that keep the store from being written */
async function inspectOrClose(
  connection: SQLiteConnection,
  location: string,
  { busyTimeoutMs }: SQLiteSettings,
  file: StoreFile | undefined,
): Promise<{ readonly files: OpenFiles | undefined; readonly triggers: readonly string[] }> {
  let files: OpenFiles | undefined;
  try {
    files = file && new OpenFiles(location, file);
    const triggers = await retryWhileBusy(busyTimeoutMs, () => inspectSchema(connection, location));
    return { files, triggers };
  } catch (error) {
    files?.close();
    await connection.close();
    throw storageError(error, "open the database", location);
  }
}

/** A database in memory has one connection, and reads take their turn between the writes. */
function readsThroughWriter(writer: Writer): ReadConnections {
  return { prepare: async () => undefined, use: (task) => writer.use(task), close: async () => undefined };
}

function recordFrom(feed: CommitFeed, file: AcknowledgedPositionFile, writer: Writer): AcknowledgedPosition {
  const acknowledged = new AcknowledgedPosition(file, writer);
  feed.connect(({ events }) => acknowledged.acknowledged(events.at(-1) as PlacedEvent));
  return acknowledged;
}
