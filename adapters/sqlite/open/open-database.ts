import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { isSupportedSQLite, MIN_SQLITE_VERSION } from "../drivers/sqlite-version.js";
import { retryWhileBusy } from "../retry-busy.js";
import { storageError } from "../sqlite-errors.js";
import type { SQLiteSettings } from "../sqlite-options.js";
import { migrate } from "./migrate.js";

/** What the write-ahead log is cut back to after a checkpoint. */
const JOURNAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Opens a connection that writes, and brings the schema up to date.
 *
 * @param mode - whether a file that is not there is made, which only a store's first connection may do
 */
export async function openForWriting(
  driver: SQLiteDriver,
  path: string,
  settings: SQLiteSettings,
  mode: "create" | "existing",
): Promise<SQLiteConnection> {
  return opening(path, settings, async () => {
    const connection = await driver.open(path, mode);
    return prepareOrClose(connection, settings, async () => {
      await checkSQLiteVersion(connection, path);
      await migrate(connection, path);
      await useWriteAheadLog(connection, path);
      // On macOS a plain flush leaves what it flushes in the drive's cache. Other systems know no other flush.
      // Without recursive triggers REPLACE deletes rows without running the triggers that keep events from it.
      await connection.exec(`
        PRAGMA synchronous = ${settings.durability === "full" ? "FULL" : "NORMAL"};
        PRAGMA fullfsync = ON;
        PRAGMA checkpoint_fullfsync = ON;
        PRAGMA foreign_keys = ON;
        PRAGMA recursive_triggers = ON;
        PRAGMA cache_size = ${-settings.cacheSizeKiB};
        PRAGMA journal_size_limit = ${JOURNAL_SIZE_LIMIT_BYTES};
        PRAGMA wal_autocheckpoint = 0;
      `);
    });
  });
}

/** Opens a connection that only reads. The one that writes must be open already: it has made the database. */
export async function openForReading(
  driver: SQLiteDriver,
  path: string,
  settings: SQLiteSettings,
): Promise<SQLiteConnection> {
  return opening(path, settings, async () => {
    const connection = await driver.open(path, "readonly");
    return prepareOrClose(connection, settings, () =>
      connection.exec(`PRAGMA query_only = ON; PRAGMA cache_size = ${-settings.cacheSizeKiB};`),
    );
  });
}

async function opening(
  path: string,
  settings: SQLiteSettings,
  open: () => Promise<SQLiteConnection>,
): Promise<SQLiteConnection> {
  try {
    return await retryWhileBusy(settings.busyTimeoutMs, open);
  } catch (error) {
    throw storageError(error, "open the database", path);
  }
}

async function prepareOrClose(
  connection: SQLiteConnection,
  settings: SQLiteSettings,
  prepare: () => Promise<void>,
): Promise<SQLiteConnection> {
  try {
    await retryWhileBusy(settings.busyTimeoutMs, prepare);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function checkSQLiteVersion(connection: SQLiteConnection, path: string): Promise<void> {
  const [row] = await connection.all<{ version: string }>("SELECT sqlite_version() AS version");
  const { version } = row as { version: string };
  if (isSupportedSQLite(version)) return;
  const message =
    `Cannot open ${path}: the driver has SQLite ${version}, and the minimum is ${MIN_SQLITE_VERSION}, since earlier ` +
    "versions can corrupt a database that several connections write. Update the driver.";
  throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message);
}

async function useWriteAheadLog(connection: SQLiteConnection, path: string): Promise<void> {
  const [row] = await connection.all<{ journal_mode: string }>("PRAGMA journal_mode = WAL");
  const mode = row?.journal_mode;
  // A database in memory keeps no log.
  if (mode === "wal" || mode === "memory") return;
  const message =
    `Cannot open ${path}: its file system has no shared memory for a write-ahead log (journal mode "${mode}"). ` +
    "Use a local disk.";
  throw new StorageError("STORAGE_IO", message);
}
