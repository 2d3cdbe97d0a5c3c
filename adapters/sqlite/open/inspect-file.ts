import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { StorageError, type StorageErrorCode } from "../../../protocols/index.js";
import { fileErrorCode } from "../../../src/adapter-kit/file-error-code.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import type { OpenMode } from "../drivers/driver.js";
import { isOutOfDescriptors, NO_DESCRIPTOR_LEFT } from "./free-descriptors.js";
import { EVENT_STORE, type FileFormat, KINDS } from "./schema.js";

/**
 * Looks at a path before SQLite touches it, without opening the database. The system answers from memory: seven hops to
 * the thread pool would take far longer.
 *
 * @throws StorageError when there can be no store
 */
export function inspectPlace(path: string, mode: OpenMode): void {
  // Before the database: while another process makes the store, there is a database before there is a log.
  const log = findLog(path);
  statOrNull(path, path + LONGEST_ENDING);
  const found = statOrNull(path);
  if (found === null) {
    if (mode !== "create") throw notFound(path, mode, "there is no such file");
    inspectFolder(path);
    // A power cut while the store is made may leave the journal and no name of the database.
    if (log !== null && !isOfNewDatabase(log)) throw withoutDatabase(path, log, "is not there");
    return;
  }
  if (found.isDirectory()) throw refusal("STORAGE_IS_DIRECTORY", path, "it is a directory; give the path of a file");
  if (!found.isFile()) throw refusal("STORAGE_NOT_A_DATABASE", path, "it is no regular file; choose another path");
  // What SQLite needs beside a database that it only reads, it may find there or make.
  checkAccess(path, path, mode === "readonly" ? constants.R_OK : constants.R_OK | constants.W_OK);
  if (mode === "readonly") return;
  checkAccess(path, dirname(path), constants.W_OK);
  for (const ending of COMPANION_ENDINGS) {
    checkAccess(path, `${path}${ending}`, constants.R_OK | constants.W_OK, isMissing);
  }
}

/**
 * Refuses what is no store of this library. SQLite itself would take another program's database for its own, and may
 * write to it by only opening it.
 *
 * On POSIX systems closing any descriptor of a file drops every lock that the process has on it, SQLite's too: nothing
 * else in the process may have the file open.
 *
 * @throws StorageError
 */
export function inspectContent(path: string, mode: OpenMode, format = EVENT_STORE): void {
  // An empty file becomes a store. With a journal beside it, SQLite has to undo an unfinished write first.
  const log = findLog(path);
  const isEmpty = statSync(path).size === 0;
  if (isEmpty && log !== null && !isOfNewDatabase(log)) throw withoutDatabase(path, log, "is empty");
  if (isEmpty && mode !== "create") throw notFound(path, mode, "the file is empty");
  if (mode === "readonly" && log?.endsWith(JOURNAL_ENDING)) throw hasJournal(path, log);
  if (isEmpty || log?.endsWith(JOURNAL_ENDING)) return;
  const header = readHeader(path);
  if (header.length < HEADER_BYTES || header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw refusal("STORAGE_NOT_A_DATABASE", path, "it is not a SQLite database; choose another path");
  }
  checkIdentity(path, header.readInt32BE(APPLICATION_ID_OFFSET), header.readInt32BE(USER_VERSION_OFFSET), format);
}

const JOURNAL_ENDING = "-journal";

/** The path of a log with content, in which SQLite keeps what is not in the database file yet, or not any more. */
export function findLog(path: string): string | null {
  const logs = [`${path}${JOURNAL_ENDING}`, `${path}-wal`];
  return logs.find((log) => sizeOrZero(path, log) > 0) ?? null;
}

function sizeOrZero(path: string, log: string): number {
  try {
    return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  } catch (cause) {
    throw cannotLookAt(path, cause);
  }
}

// https://www.sqlite.org/fileformat.html#the_rollback_journal
const JOURNAL_MAGIC = "d9d505f920a163d7";
const JOURNAL_PAGES_OFFSET = 16;
const JOURNAL_HEADER_BYTES = 20;

/**
 * Whether a log is the journal of a transaction that was begun when the database had no page: a crash while the store
 * is made leaves one. A journal whose header is not written undoes nothing.
 */
function isOfNewDatabase(log: string): boolean {
  if (!log.endsWith(JOURNAL_ENDING)) return false;
  const header = readStart(log, JOURNAL_HEADER_BYTES);
  if (header.toString("hex", 0, JOURNAL_MAGIC.length / 2) !== JOURNAL_MAGIC) return true;
  return header.length === JOURNAL_HEADER_BYTES && header.readInt32BE(JOURNAL_PAGES_OFFSET) === 0;
}

/** SQLite would remove a log that it finds beside a new database, and with it events that were acknowledged. */
function withoutDatabase(path: string, log: string, state: string): StorageError {
  const reason =
    `the database ${state}, and ${log} has content of a database that was there. Put that database back beside it, or ` +
    "move the log away if it is not needed";
  return refusal("STORAGE_LOG_WITHOUT_DATABASE", path, reason);
}

/** The files that SQLite keeps beside a database. If one is not accessible, opening would fail only after others were made. */
const COMPANION_ENDINGS = ["-wal", "-shm", "-journal"];

function inspectFolder(path: string): void {
  const folder = dirname(path);
  const found = statOrNull(folder);
  if (found === null) {
    throw refusal("STORAGE_FOLDER_MISSING", path, `the folder ${folder} does not exist; create it first`);
  }
  if (!found.isDirectory()) throw refusal("STORAGE_FOLDER_MISSING", path, `${folder} is not a folder`);
  checkAccess(path, folder, constants.W_OK | constants.X_OK);
}

// The layout of the header: https://www.sqlite.org/fileformat.html#the_database_header
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const USER_VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/** @throws StorageError when a database belongs to another program or to a newer version of this library, or is damaged. */
export function checkIdentity(
  path: string,
  applicationId: number,
  schemaVersion: number,
  format: FileFormat = EVENT_STORE,
): void {
  const knownVersion = format.steps.length;
  if (applicationId !== format.applicationId) {
    const kind = KINDS.get(applicationId);
    const found = kind ?? `another program's database (application_id ${applicationId})`;
    throw refusal("STORAGE_FOREIGN_DATABASE", path, `it is ${found}, and not ${format.kind}; choose another path`);
  }
  if (schemaVersion > knownVersion) {
    const reason = `its schema has version ${schemaVersion}, and this library knows ${knownVersion}; update the library`;
    throw refusal("STORAGE_NEWER_SCHEMA", path, reason);
  }
  // It is written together with the application's number.
  if (schemaVersion < 1) {
    const reason = `its schema has version ${schemaVersion}, which no store has; it is damaged, restore it from a backup`;
    throw refusal("STORAGE_CORRUPT", path, reason);
  }
}

function readHeader(path: string): Buffer {
  try {
    return readStart(path, HEADER_BYTES);
  } catch (cause) {
    throw refusal(fileErrorCode(cause), path, "its first bytes could not be read; check the disk", cause);
  }
}

function readStart(path: string, bytes: number): Buffer {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(file, start, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}

function checkAccess(
  path: string,
  target: string,
  mode: number,
  isFine: (cause: unknown) => boolean = () => false,
): void {
  try {
    accessSync(target, mode);
  } catch (cause) {
    if (isFine(cause)) return;
    const reason = `${target} may not be read and written by this process; check its permissions`;
    throw refusal("STORAGE_PERMISSION_DENIED", path, reason, cause);
  }
}

function statOrNull(path: string, target = path): Stats | null {
  try {
    return statSync(target, { throwIfNoEntry: false }) ?? null;
  } catch (cause) {
    throw cannotLookAt(path, cause);
  }
}

/** The longest ending of a file beside a database: SQLite's own have up to eight characters. */
const LONGEST_ENDING = "-head-new";

function cannotLookAt(path: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENAMETOOLONG") return nameTooLong(path);
  if (code === "ENOTDIR") return refusal("STORAGE_FOLDER_MISSING", path, "a part of its path is not a folder", cause);
  return refusal("STORAGE_PERMISSION_DENIED", path, `it could not be looked at (${code})`, cause);
}

/** @param ending - the longest that a file beside it gets */
function nameTooLong(path: string): Error {
  const reason =
    `"${path}" is too long for the file system: with the ending "${LONGEST_ENDING}" of a file beside it, its name has ` +
    `${Buffer.byteLength(basename(path) + LONGEST_ENDING)} bytes, and most file systems take 255. Nothing was touched`;
  return invalidArgument("path", reason);
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === "ENOENT";
}

/** Says that there is no store, where one is expected. */
export function notFound(path: string, mode: OpenMode, state: string): StorageError {
  const reason = `${state}, and mode: "${mode}" makes no store; check the path, or open it with mode: "create"`;
  return refusal("STORAGE_NOT_FOUND", path, reason);
}

function hasJournal(path: string, journal: string): StorageError {
  const reason = `${journal} has a change that was begun and has to be undone first; open it once with mode: "existing"`;
  return refusal("STORAGE_READ_ONLY", path, reason);
}

/** Says of a path that it was not opened. */
export function refusal(code: StorageErrorCode, path: string, reason: string, cause?: unknown): StorageError {
  const why = isOutOfDescriptors(cause) ? NO_DESCRIPTOR_LEFT : reason;
  return new StorageError(code, `Cannot open ${path}: ${why}. The file was not touched.`, { cause });
}
