import { StorageError, type StorageErrorCode, StreamError } from "../../protocols/index.js";
import { hasFreeDescriptors, isOutOfDescriptors, NO_DESCRIPTOR_LEFT } from "./open/free-descriptors.js";
import { OpenFileError } from "./open/open-file-error.js";

interface Meaning {
  readonly code: StorageErrorCode;
  readonly reason: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  SQLITE_BUSY: {
    code: "STORAGE_LOCKED",
    reason: "another connection held the lock for longer than busyTimeoutMs; try again, or let it wait longer",
  },
  SQLITE_LOCKED: { code: "STORAGE_LOCKED", reason: "the database is locked; try again" },
  SQLITE_FULL: { code: "STORAGE_FULL", reason: "the disk is full; make room and try again" },
  SQLITE_CORRUPT: {
    code: "STORAGE_CORRUPT",
    reason: "the database is damaged; stop writing and restore it from a backup",
  },
  SQLITE_NOTADB: { code: "STORAGE_NOT_A_DATABASE", reason: "the file is not a SQLite database; choose another path" },
  SQLITE_READONLY: {
    code: "STORAGE_PERMISSION_DENIED",
    reason: "the file may not be written; check its permissions, and open the store again",
  },
  SQLITE_PERM: { code: "STORAGE_PERMISSION_DENIED", reason: "access was denied; check the file's permissions" },
  SQLITE_CANTOPEN: {
    code: "STORAGE_PERMISSION_DENIED",
    reason: "the database or a file beside it could not be opened; check the permissions of its folder",
  },
  SQLITE_IOERR: {
    code: "STORAGE_IO",
    reason: "reading or writing the file failed; check the disk. A write that failed so may turn out to be stored",
  },
};

/** How a constraint of the library's own tables is named. Nothing that a caller gives violates one. */
const OWN_CONSTRAINT = /(?:failed: |column )es_\w+\./;

const IN_DISAGREEMENT: Meaning = {
  code: "STORAGE_CORRUPT",
  reason:
    "what the store counts does not fit what is in it, and nothing was stored. The database is damaged; verify() lists what " +
    "is, and a backup has what was there",
};

const TOO_MANY_FILES: Meaning = {
  code: "STORAGE_TOO_MANY_FILES",
  reason: NO_DESCRIPTOR_LEFT,
};

/** A counter of the store is missing, or behind or beyond what it counts. */
export class DamagedCounterError extends Error {
  override readonly name = "DamagedCounterError";
}

function meaningOf(error: unknown): Meaning | undefined {
  if (isForWantOfDescriptors(error)) return TOO_MANY_FILES;
  if (error instanceof DamagedCounterError) return IN_DISAGREEMENT;
  if (isConstraint(error) && OWN_CONSTRAINT.test((error as Error).message)) return IN_DISAGREEMENT;
  return MEANINGS[sqliteCode(error) ?? ""];
}

function isForWantOfDescriptors(error: unknown): boolean {
  return isOutOfDescriptors(error) || (sqliteCode(error) === "SQLITE_CANTOPEN" && !hasFreeDescriptors());
}

/** The result code's name that a driver's error carries, such as `"SQLITE_BUSY"`. */
export function sqliteCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === "SQLITE_BUSY" || code === "SQLITE_LOCKED";
}

/**
 * Whether SQLite found the file damaged, or cannot read a part of it: it was cut, or the disk does not give it back. A
 * statement of ours that it does not understand means a damaged schema.
 */
export function isDamage(error: unknown): boolean {
  return DAMAGE.has(sqliteCode(error) ?? "");
}

const DAMAGE: ReadonlySet<string> = new Set(["SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_IOERR"]);

/** Whether the disk failed, so that what was written is not known: a failed sync is one of these. */
export function isDiskFailure(error: unknown): boolean {
  const isOurs = error instanceof StorageError || error instanceof OpenFileError;
  return sqliteCode(error) === "SQLITE_IOERR" || (isOurs && error.code === "STORAGE_IO");
}

/** Whether SQLite, or a look at the files, found the database damaged: one that is written on may lose more. */
export function isCorruption(error: unknown): boolean {
  if (error instanceof OpenFileError) return error.code === "STORAGE_CORRUPT";
  const code = sqliteCode(error instanceof StorageError ? error.cause : error);
  return code === "SQLITE_CORRUPT" || code === "SQLITE_NOTADB";
}

/** A number that is too large for its column, as SQLite says of a rowid. */
export function isMismatch(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_MISMATCH";
}

export function isConstraint(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_CONSTRAINT";
}

/**
 * Says of a driver's error what was attempted, on which database, why it failed and what to do. Errors that say so
 * already are returned as they are.
 */
export function storageError(error: unknown, attempt: string, location: string): Error {
  if (error instanceof StreamError) return error;
  if (error instanceof OpenFileError) {
    if (isOutOfDescriptors(error.cause)) return storageError(error.cause, attempt, location);
    return new StorageError(error.code, `Cannot ${attempt} in ${location}: ${error.message}.`, { cause: error.cause });
  }
  const meaning = meaningOf(error);
  const reason = meaning?.reason ?? (error instanceof Error ? error.message : String(error));
  const message = `Cannot ${attempt} in ${location}: ${reason}.`;
  return new StorageError(meaning?.code ?? "STORAGE_FAILED", message, { cause: error });
}
