import { StorageError } from "../../../protocols/index.js";
import { isCorruption, isDiskFailure, sqliteCode } from "../sqlite-errors.js";

/** Whether what has become of the rest of a transaction is not known: the disk fails, or the database is damaged. */
export function isFatal(error: unknown): boolean {
  const cause = causeOf(error);
  return isDiskFailure(cause) || isCorruption(cause) || ENDING.has(sqliteCode(cause) ?? "");
}

/** SQLite's own error, where the error says what was attempted. */
export function causeOf(error: unknown): unknown {
  return error instanceof StorageError && sqliteCode(error.cause) !== undefined ? error.cause : error;
}

/** After these SQLite may have rolled back by itself: https://www.sqlite.org/lang_transaction.html */
const ENDING: ReadonlySet<string> = new Set(["SQLITE_FULL", "SQLITE_NOMEM"]);
