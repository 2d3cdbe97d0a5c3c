import { type BigIntStats, closeSync, openSync, statSync } from "node:fs";
import { StorageError } from "../../../protocols/index.js";
import { fileErrorCode } from "../../../src/adapter-kit/file-error-code.js";
import type { OpenMode, SQLiteDriver } from "../drivers/driver.js";
import { claimFolder } from "./claim-folder.js";
import { FileClaim } from "./file-claim.js";
import { inspectContent, inspectPlace, notFound, refusal } from "./inspect-file.js";
import { withOpeningLock } from "./opening-lock.js";
import { removePartialName } from "./partial-copy.js";
import { EVENT_STORE, type FileFormat } from "./schema.js";

/** Which file a store is: a path may name another one later. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** The file of a store, kept to one copy of SQLite in this process until it is released. */
export interface StoreFile extends FileIdentity {
  /** Whether there was no file before. */
  readonly isNew: boolean;
  /** To be called once all connections are closed. */
  release(): void;
}

/**
 * Checks that SQLite may open a file, before SQLite touches it, and with `"create"` makes an empty file where there is
 * none.
 *
 * Within one process, all threads and all copies of this package use a file through one copy of SQLite. The locks of a
 * process hold between its threads only as far as one copy of SQLite manages them: through two copies, two connections
 * write at the same time, and one loses what the other has acknowledged.
 *
 * @throws StorageError
 */
export async function claimStoreFile(
  path: string,
  driver: SQLiteDriver,
  mode: OpenMode,
  format = EVENT_STORE,
): Promise<StoreFile> {
  inspectPlace(path, mode);
  const libraryPath = await driver.libraryPath(path);
  // Locks belong to a connection on Windows: two copies of SQLite are as safe there as two processes.
  if (process.platform === "win32") return { ...takeFile(path, mode, format), release: () => undefined };
  const claim = makeClaim(path, libraryPath);
  try {
    const taken = await withOpeningLock(claim.folder, claim.holder, () => takeFile(path, mode, format, claim));
    return { ...taken, release: () => claim.release() };
  } catch (error) {
    claim.release();
    throw error instanceof StorageError ? error : cannotClaim(path, error);
  }
}

/** Under the lock: the header is read through a descriptor, and closing it would drop another connection's locks. */
function takeFile(path: string, mode: OpenMode, format: FileFormat, claim?: FileClaim): Omit<StoreFile, "release"> {
  const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
  if (isNew && mode !== "create") throw notFound(path, mode, "there is no such file");
  if (isNew) createEmptyFile(path);
  const found = statSync(path, { bigint: true });
  const database = `${found.dev}-${found.ino}`;
  const libraries = claim?.librariesInUse(database) ?? [];
  const other = libraries.find((library) => library !== claim?.libraryPath);
  if (other !== undefined) throw driverConflict(path, claim?.libraryPath, other);
  assertOneName(path, found);
  // Whoever has it open has inspected it.
  if (libraries.length === 0) inspectContent(path, mode, format);
  claim?.grant(database);
  return { device: found.dev, inode: found.ino, isNew };
}

function createEmptyFile(path: string): void {
  try {
    // As SQLite does it. A link to a file that is not there makes that one.
    closeSync(openSync(path, "a", 0o644));
  } catch (cause) {
    throw refusal(fileErrorCode(cause), path, "the file could not be made; check its folder", cause);
  }
}

function assertOneName(path: string, found: BigIntStats): void {
  if (found.nlink < 2n) return;
  removePartialName(path, found);
  const { nlink } = statSync(path, { bigint: true });
  if (nlink < 2n) return;
  const reason =
    `the file has ${nlink} names (hard links), and SQLite keeps a log for each name; remove the others, or copy it to a ` +
    "file of its own";
  throw refusal("STORAGE_HARD_LINKED", path, reason);
}

function driverConflict(path: string, libraryPath: string | undefined, other: string): StorageError {
  const reason =
    `this process has it open through ${describeLibrary(other)}, and ${describeLibrary(libraryPath ?? "")} has a SQLite ` +
    "of its own, which does not see the locks of the other; use one driver, from one installation, in all threads";
  return refusal("STORAGE_DRIVER_CONFLICT", path, reason);
}

/** Names the driver that a copy of SQLite belongs to, as the option `driver` does. */
function describeLibrary(libraryPath: string): string {
  if (libraryPath === "node:sqlite") return 'the driver "node:sqlite"';
  const [, driver] = /.*node_modules[\\/](better-sqlite3|sqlite3)[\\/]/.exec(libraryPath) ?? [];
  return driver === undefined ? libraryPath : `the driver "${driver}" (${libraryPath})`;
}

function makeClaim(path: string, libraryPath: string): FileClaim {
  try {
    return new FileClaim(claimFolder(), libraryPath);
  } catch (cause) {
    throw cannotClaim(path, cause);
  }
}

function cannotClaim(path: string, cause: unknown): StorageError {
  if ((cause as NodeJS.ErrnoException).code === "EBUSY") {
    return refusal("STORAGE_LOCKED", path, "another thread of this process is opening a store; try again", cause);
  }
  const reason =
    "this process could not note in the temporary folder of the system that it uses the file " +
    `(${(cause as Error).message}); set TMPDIR to a folder that it may write`;
  return refusal(fileErrorCode(cause), path, reason, cause);
}
