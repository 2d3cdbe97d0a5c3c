import type {
  AdministrableStreamFactory,
  MaintainableStreamFactory,
  PlacedEvent,
  StreamBackend,
  TransactionalStreamFactory,
} from "../../protocols/index.js";
import { CommitFeed } from "../../src/adapter-kit/commit-feed.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { invalidArgument } from "../../src/validate/check-arguments.js";
import { inAttempt, inCall } from "../../src/validate/in-call.js";
import { describeValue } from "../../src/validate/json-text.js";
import { pathText } from "../../src/validate/path-text.js";
import { AppendGroup } from "./append/append-group.js";
import { chooseDriver } from "./drivers/choose-driver.js";
import type { SQLiteDriver } from "./drivers/driver.js";
import { AcknowledgedPosition } from "./maintenance/acknowledged-position.js";
import type { AcknowledgedPositionFile } from "./maintenance/acknowledged-position-file.js";
import { Maintenance } from "./maintenance/maintenance.js";
import { SQLiteNotifier } from "./notify/sqlite-notifier.js";
import { countFrames } from "./open/log-length.js";
import { openInFile } from "./open/open-in-file.js";
import { openInMemory } from "./open/open-in-memory.js";
import { openReadOnlyStore } from "./open/open-read-only.js";
import type { OpenedForWriting, OpenedStore } from "./open/opened-store.js";
import { IN_MEMORY, parseStorePath } from "./open/store-path.js";
import { findUnfinishedWork, NOTHING_UNFINISHED, type UnfinishedWork } from "./open/unfinished-work.js";
import { KnownTail } from "./read/known-tail.js";
import { LockClock } from "./retry-busy.js";
import { parseSQLiteOptions, type SQLiteOptions, type SQLiteSettings } from "./sqlite-options.js";
import { SQLiteStorageHandle } from "./sqlite-storage-handle.js";
import { NoWriting, type WriteAccess, Writing } from "./transaction/write-access.js";
import { WriteQueue } from "./transaction/write-queue.js";
import type { Writer } from "./transaction/writer.js";

/** A store in a SQLite database. */
export type SQLiteStreamFactory = MaintainableStreamFactory & TransactionalStreamFactory & AdministrableStreamFactory;

/**
 * Opens a store in a SQLite database, and creates it if there is none. Several factories may use one file at the same time, in
 * one thread, several threads or several processes. Those of one process must use the same driver.
 *
 * @param path - the path of a file in a folder that exists, a `URL` object of it, or `":memory:"` for a store that lives as
 * long as the factory. Strings that begin with `file:` or `memory:` are refused.
 * @throws InvalidArgumentError when the path or an option is invalid.
 * @throws StorageError when the file cannot be used; its `code` says why, and the file is not changed.
 *
 * @example
 * ```ts
 * await using streams = await sqliteStreamFactory("bank.db");
 * ```
 */
export async function sqliteStreamFactory(path: string | URL, options?: SQLiteOptions): Promise<SQLiteStreamFactory> {
  return createStreamFactory(await openSQLiteBackend(path, options));
}

/** The parts of a SQLite store: the storage handle, the notifier, and what checks and copies it. */
export interface SQLiteBackend extends StreamBackend<SQLiteStorageHandle> {
  readonly maintenance: Maintenance;
}

/** Opens the parts of a SQLite store, over a driver of the caller's where one is given. */
export async function openSQLiteBackend(
  path: string | URL,
  options?: SQLiteOptions,
  ownDriver?: SQLiteDriver,
): Promise<SQLiteBackend> {
  const location = inAttempt(`open ${pathText(path)}`, undefined, () => parseStorePath(path));
  try {
    return await openBackend(location, options, ownDriver);
  } catch (error) {
    throw inCall(error, `open ${location}`, undefined);
  }
}

async function openBackend(
  location: string,
  options?: SQLiteOptions,
  ownDriver?: SQLiteDriver,
): Promise<SQLiteBackend> {
  const settings = parseSQLiteOptions(options);
  if (location === IN_MEMORY && settings.mode !== "create") {
    throw invalidArgument("mode", `a store in memory is always made, got ${describeValue(settings.mode)}`);
  }
  const driver = ownDriver ?? (await chooseDriver(settings.driver));
  const opened = await openStore(driver, location, settings);
  const { lend, files, openReader, acknowledgedFile, writing } = opened;
  const { busyTimeoutMs, now, pollIntervalMs, findMisuse } = settings;
  const isReadOnly = writing === undefined;
  const maintenance = new Maintenance({ driver, location, busyTimeoutMs, lend, isReadOnly, acknowledgedFile });
  const feed = new CommitFeed();
  const tail = knownTailOf(opened);
  const group = new AppendGroup({
    feed,
    location,
    checksums: settings.checksums,
    indexes: settings.indexes,
    now,
    files,
    tail,
  });
  const storage = new SQLiteStorageHandle({
    location,
    readLock: new LockClock(busyTimeoutMs),
    opened,
    writes: writing ? writingTo(opened, writing, { location, settings, feed, group }) : new NoWriting(location),
    indexes: settings.indexes,
    tail,
    maintenance,
  });
  const notifier = new SQLiteNotifier({ feed, pollIntervalMs, location, files, open: openReader });
  // What fails here is left to the first call that needs it: that one waits for locks, and says what was attempted.
  await Promise.allSettled([opened.prepareReads(), writing && group.prepare(writing.connection)]);
  return { storage, notifier, now, findMisuse, maintenance, ...(await unfinishedWorkIn(opened)) };
}

async function unfinishedWorkIn({ writing, reads }: OpenedStore): Promise<UnfinishedWork> {
  if (writing !== undefined) return findUnfinishedWork(writing.connection);
  const found = await reads.use(findUnfinishedWork).catch(() => NOTHING_UNFINISHED);
  // A store that is only read cannot finish a deletion.
  return { ...found, hasUnfinishedDeletions: false };
}

function openStore(driver: SQLiteDriver, location: string, settings: SQLiteSettings): Promise<OpenedStore> {
  if (location === IN_MEMORY) return openInMemory(driver, settings);
  const { mode } = settings;
  return mode === "readonly"
    ? openReadOnlyStore(driver, location, settings)
    : openInFile(driver, location, settings, mode);
}

function knownTailOf({ files, writing }: OpenedStore): KnownTail | undefined {
  const log = writing && files?.newLogEnd();
  // Between two commits, so that none is taken for another that comes behind the end of the log.
  return log && new KnownTail(log, () => writing.writer.lend(countFrames));
}

interface WritingContext {
  readonly location: string;
  readonly settings: SQLiteSettings;
  readonly feed: CommitFeed;
  readonly group: AppendGroup;
}

function writingTo(
  { files, acknowledgedFile }: OpenedStore,
  { writer, checkpointer }: OpenedForWriting,
  { location, settings, feed, group }: WritingContext,
): WriteAccess {
  const lock = new LockClock(settings.busyTimeoutMs);
  const queue = new WriteQueue({ writer, group, location, lock, checkpointer });
  const acknowledged = settings.checksums && acknowledgedFile ? recordFrom(feed, acknowledgedFile, writer) : undefined;
  return new Writing({ location, group, writer, lock, queue, files, checkpointer, acknowledged });
}

function recordFrom(feed: CommitFeed, file: AcknowledgedPositionFile, writer: Writer): AcknowledgedPosition {
  const acknowledged = new AcknowledgedPosition(file, writer);
  feed.connect(({ events }) => acknowledged.acknowledged(events.at(-1) as PlacedEvent));
  return acknowledged;
}
