import { statSync } from "node:fs";
import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { checkSQLiteVersion } from "../open/check-sqlite-version.js";
import { checkFormat, migrate } from "../open/migrate.js";
import { OpenFileError } from "../open/open-file-error.js";
import { type FileFormat, KEY_FILE_ID } from "../open/schema.js";
import { claimStoreFile, type StoreFile } from "../open/store-file.js";
import { IN_MEMORY } from "../open/store-path.js";
import { retryWhileBusy } from "../retry-busy.js";
import { storageError } from "../sqlite-errors.js";

/**
 * The format of a file of keys.
 *
 * A row is never deleted, and a key that is destroyed is overwritten by as many zeros: SQLite then writes into the place
 * where the key was. Rows are only ever added at the end, so that no row, and no copy of a key, is moved to another page.
 */
const KEY_FILE: FileFormat = {
  applicationId: KEY_FILE_ID,
  kind: "a key store",
  steps: [
    `
    CREATE TABLE es_keys (
      id          INTEGER PRIMARY KEY,
      subject     BLOB NOT NULL,
      isForgotten INTEGER NOT NULL CHECK (isForgotten IN (0, 1)),
      wrapped     BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX es_keys_by_subject ON es_keys (subject);
    `,
  ],
};

/**
 * A rollback journal has the pages as they were, keys included, and is empty after each commit. A write-ahead log would
 * keep them for as long as others read. With EXTRA, a commit is durable only once the journal is.
 */
const PRAGMAS = `
  PRAGMA secure_delete = ON;
  PRAGMA synchronous = EXTRA;
  PRAGMA fullfsync = ON;
  PRAGMA temp_store = MEMORY;
`;

/** An open file of keys. */
export interface KeyFile {
  readonly connection: SQLiteConnection;
  /** @throws OpenFileError when the path leads to another file by now: what was written is in one that nobody finds */
  check(): void;
  close(): Promise<void>;
}

/** Opens a file of keys, and creates it if there is none. */
export async function openKeyFile(driver: SQLiteDriver, path: string, busyTimeoutMs: number): Promise<KeyFile> {
  const file = path === IN_MEMORY ? undefined : await claimStoreFile(path, driver, "create", KEY_FILE);
  try {
    const connection = await retryWhileBusy(busyTimeoutMs, () => driver.open(path, "create"));
    await prepareOrClose(connection, path, busyTimeoutMs);
    return {
      connection,
      check: () => file && assertInPlace(path, file),
      async close() {
        await connection.close();
        file?.release();
      },
    };
  } catch (error) {
    file?.release();
    throw storageError(error, "open the key store", path);
  }
}

async function prepareOrClose(connection: SQLiteConnection, path: string, busyTimeoutMs: number): Promise<void> {
  try {
    await retryWhileBusy(busyTimeoutMs, async () => {
      await checkSQLiteVersion(connection, path);
      // Of a store that this process has open, nobody has looked at the header yet: its journal is to be left as it is.
      await checkFormat(connection, path, KEY_FILE);
      await connection.exec(PRAGMAS);
      await useTruncatedJournal(connection, path);
      await migrate(connection, path, KEY_FILE);
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function useTruncatedJournal(connection: SQLiteConnection, path: string): Promise<void> {
  const [row] = await connection.all<{ journal_mode: string }>("PRAGMA journal_mode = TRUNCATE");
  const mode = row?.journal_mode;
  if (mode === "truncate" || mode === "memory") return;
  const message = `Cannot open the key store ${path}: another program keeps its journal in mode "${mode}". Close that program.`;
  throw new StorageError("STORAGE_LOCKED", message);
}

function assertInPlace(path: string, { device, inode }: StoreFile): void {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (found?.dev === device && found.ino === inode) return;
  const reason =
    `${path} was ${found === undefined ? "deleted or moved" : "replaced"} while it was open. Put the file back that was ` +
    "there, and open the key store again; what is sealed with a key that is lost cannot be read any more";
  throw new OpenFileError("STORAGE_REPLACED", reason);
}
