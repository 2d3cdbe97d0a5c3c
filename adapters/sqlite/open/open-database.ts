import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { retryWhileBusy } from "../retry-busy.js";
import { storageError } from "../sqlite-errors.js";
import type { SQLiteSettings } from "../sqlite-options.js";
import { checkSQLiteVersion } from "./check-sqlite-version.js";
import { inspectSchema } from "./inspect-schema.js";
import { assertUpToDate, migrate } from "./migrate.js";
import type { OpenFiles } from "./open-files.js";

/** The size to which the write-ahead log is truncated after a checkpoint. */
const JOURNAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;

/** Opens the first connection of a store, which brings its schema up to date, and with `"create"` makes the database. */
export function openFirst(
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
      await connection.exec(writingPragmas(settings) + OPEN_LOG);
    });
  });
}

/** Opens the first connection of a store that is read only, whose schema has to be up to date. */
export function openReadOnly(driver: SQLiteDriver, path: string, settings: SQLiteSettings): Promise<SQLiteConnection> {
  return opening(path, settings, async () => {
    const connection = await driver.open(path, "readonly");
    return prepareOrClose(connection, settings, async () => {
      await checkSQLiteVersion(connection, path);
      await assertUpToDate(connection, path);
      await inspectSchema(connection, path);
      await connection.exec(readingPragmas(settings));
    });
  });
}

/** Opens another connection to an open store, which writes. */
export function openForWriting(
  driver: SQLiteDriver,
  files: OpenFiles,
  settings: SQLiteSettings,
): Promise<SQLiteConnection> {
  return openAnother(driver, files, settings, "existing", writingPragmas(settings));
}

/** Opens another connection to an open store, which only reads. */
export function openForReading(
  driver: SQLiteDriver,
  files: OpenFiles,
  settings: SQLiteSettings,
): Promise<SQLiteConnection> {
  return openAnother(driver, files, settings, "readonly", readingPragmas(settings));
}

function readingPragmas({ cacheSizeKiB }: SQLiteSettings): string {
  return `PRAGMA query_only = ON; PRAGMA cache_size = ${-cacheSizeKiB};`;
}

/** A read: it makes SQLite open the log and its index, which is when it is known which files a connection has. */
const OPEN_LOG = "SELECT 1 FROM sqlite_schema LIMIT 1;";

function writingPragmas({ durability, cacheSizeKiB }: SQLiteSettings): string {
  // On macOS a plain flush leaves what it flushes in the drive's cache. Other systems know no other flush.
  // Without recursive triggers REPLACE deletes rows without running the triggers that keep events from it.
  return `
    PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"};
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;
    PRAGMA cache_size = ${-cacheSizeKiB};
    PRAGMA journal_size_limit = ${JOURNAL_SIZE_LIMIT_BYTES};
    PRAGMA wal_autocheckpoint = 0;
  `;
}

/** Opens a connection to the files that the store has open, and to no others that took their paths. */
function openAnother(
  driver: SQLiteDriver,
  files: OpenFiles,
  settings: SQLiteSettings,
  mode: "existing" | "readonly",
  pragmas: string,
): Promise<SQLiteConnection> {
  // Where the files are others, that is the error, and not what SQLite says of them.
  const checked = <T>(step: Promise<T>): Promise<T> => step.finally(() => files.check());
  return opening(files.path, settings, async () => {
    files.check();
    const connection = await driver.open(files.path, mode).catch((error) => checked(Promise.reject(error)));
    return prepareOrClose(connection, settings, async () => {
      files.check();
      await checked(connection.exec(pragmas + OPEN_LOG));
    });
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
