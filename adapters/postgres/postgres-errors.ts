import { StorageError, type StorageErrorCode, StreamError } from "../../protocols/index.js";
import { ConnectionLostError, DatabaseError } from "./client/client.js";
import { NOT_PREPARED } from "./client/pg-errors.js";
import { StoreChangedError } from "./history/store-changed-error.js";

interface Meaning {
  readonly code: StorageErrorCode;
  readonly reason: string;
}

const UNAVAILABLE: Meaning = {
  code: "STORAGE_UNAVAILABLE",
  reason: "the server could not be reached, or ended the connection. Nothing was stored; try again",
};

const OVERLOADED_SERVER: Meaning = {
  code: "STORAGE_UNAVAILABLE",
  reason: "the server has no connection or memory left. Nothing was stored; try again",
};

const DENIED: Meaning = {
  code: "STORAGE_PERMISSION_DENIED",
  reason: "the role may not do that; check its password and its grants",
};

const DENIED_BEHIND_STATEMENTS: Meaning = {
  code: DENIED.code,
  reason:
    "the role may not do that; check its grants. If a statement of the transaction has set another user (SET SESSION " +
    "AUTHORIZATION), set a role in place of it, or write before",
};

const UNPREPARED_BY_STATEMENTS: Meaning = {
  code: "STORAGE_FAILED",
  reason:
    "a statement of the transaction has ended the prepared statements of its session (DEALLOCATE). Nothing was stored; leave " +
    "it out, or write before",
};

const CORRUPT: Meaning = {
  code: "STORAGE_CORRUPT",
  reason: "the database is damaged; stop writing and restore a backup",
};

const GONE: Meaning = {
  code: "STORAGE_REPLACED",
  reason: "the tables of the store are not there any more. Find out where they are, and open the store again",
};

const DEADLOCK: Meaning = {
  code: "STORAGE_LOCKED",
  reason: "it and another session were in each other's way, and the server ended it. Nothing was stored; try again",
};

/** A table, a schema or a function that there is not. */
const NOT_FOUND: ReadonlySet<string> = new Set(["42P01", "3F000", "42883"]);

/** A name of the library, in the words of the server, which may be of any language. */
const OWN_NAME = /\.es_(append|append_one|counters|events|field|is_last|records|snapshots|store|streams|writers)\b/;

/** By SQLSTATE, or by its first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "08": UNAVAILABLE,
  "25006": {
    code: "STORAGE_READ_ONLY",
    reason: "the server only reads: it is a standby, or the session or the transaction is read-only",
  },
  "28": DENIED,
  "3D000": { code: "STORAGE_NOT_FOUND", reason: "there is no such database; create it" },
  "40001": DEADLOCK,
  "40P01": DEADLOCK,
  "42501": DENIED,
  "53": OVERLOADED_SERVER,
  "53100": { code: "STORAGE_FULL", reason: "the server's disk is full; make room and try again" },
  "55P03": {
    code: "STORAGE_LOCKED",
    reason: "another session held the store's lock, or a table, for too long. Nothing was stored; try again",
  },
  "57014": {
    code: "STORAGE_UNAVAILABLE",
    reason: "the statement was cancelled, or took longer than commandTimeoutMs. Nothing was stored; try again",
  },
  "57P": UNAVAILABLE,
  "58": { code: "STORAGE_IO", reason: "the server failed to read or write a file; check its disk" },
  // Class XX is of the server's own failures; these two say that its files are damaged.
  XX001: CORRUPT,
  XX002: CORRUPT,
};

/**
 * Says of a client's error what was attempted, in which store, why it failed and what to do. Errors that say so already are
 * returned as they are.
 */
export function storageError(error: unknown, attempt: string, location: string): Error {
  if (error instanceof StreamError) return error;
  return failed(attempt, location, meaningOf(error), error);
}

/** The same behind statements of the application's, in a transaction. */
export function errorBehindStatements(error: unknown, attempt: string, location: string): Error {
  const isDenied = error instanceof DatabaseError && meaningOf(error) === DENIED;
  if (isDenied) return failed(attempt, location, DENIED_BEHIND_STATEMENTS, error);
  const cause = error instanceof ConnectionLostError ? error.cause : undefined;
  const isUnprepared = cause instanceof DatabaseError && NOT_PREPARED.has(cause.code);
  return isUnprepared
    ? failed(attempt, location, UNPREPARED_BY_STATEMENTS, cause)
    : storageError(error, attempt, location);
}

function failed(attempt: string, location: string, { code, reason }: Meaning, cause: unknown): StorageError {
  return new StorageError(code, `Cannot ${attempt} in ${location}: ${reason}.`, { cause });
}

/** Says what was attempted of an error that was said of something else, or of nothing yet. */
export function restated(error: unknown, attempt: string, location: string): unknown {
  if (isOfStore(error)) return storageError(error, attempt, location);
  if (!(error instanceof StorageError) || error.cause === undefined) return error;
  if (error.code === "STORAGE_OUTCOME_UNKNOWN") return outcomeUnknown(error.cause, attempt, location);
  return storageError(error.cause, attempt, location);
}

/** Whether an error is the store's, and not what a function of the caller's has thrown, or the reason of its signal. */
export function isOfStore(error: unknown): boolean {
  return STORE_ERRORS.some((kind) => error instanceof kind);
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof ConnectionLostError) {
    return { ...UNAVAILABLE, reason: `${UNAVAILABLE.reason} (${error.message})` };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof AbandonedError) return { code: "STORAGE_UNAVAILABLE", reason: message };
  if (error instanceof StoreChangedError) return { code: error.code, reason: message };
  if (!(error instanceof DatabaseError)) return { code: "STORAGE_FAILED", reason: message };
  const { code } = error;
  if (NOT_FOUND.has(code) && OWN_NAME.test(message)) return GONE;
  const meaning = MEANINGS[code] ?? MEANINGS[code.slice(0, 3)] ?? MEANINGS[code.slice(0, 2)];
  return meaning ?? { code: "STORAGE_FAILED", reason: message };
}

/** What the disposal of a store does not wait for any longer. */
export class AbandonedError extends Error {
  override readonly name = "AbandonedError";

  constructor(commandTimeoutMs: number) {
    super(
      `the disposal of the store waits no longer than commandTimeoutMs (${commandTimeoutMs} ms). Nothing was stored`,
    );
  }
}

const STORE_ERRORS = [DatabaseError, ConnectionLostError, StoreChangedError, AbandonedError];

/** How many calls a message names. */
const MAX_NAMED_CALLS = 5;

/** Says of a disposal what it could not finish. */
export function unfinished(
  { underWay, waiting }: { readonly underWay: readonly string[]; readonly waiting: readonly string[] },
  commandTimeoutMs: number,
  location: string,
): StorageError {
  const attempts = [...underWay, ...waiting];
  const others = attempts.length > MAX_NAMED_CALLS ? ` and ${attempts.length - MAX_NAMED_CALLS} others` : "";
  const named = `${attempts.slice(0, MAX_NAMED_CALLS).join(", ")}${others}`;
  const message =
    `The store ${location} was disposed of, but ${attempts.length} of its calls could not be finished within ` +
    `commandTimeoutMs (${commandTimeoutMs} ms): ${named}. Each of them says whether it may be stored.`;
  return new StorageError(underWay.length > 0 ? "STORAGE_OUTCOME_UNKNOWN" : "STORAGE_UNAVAILABLE", message);
}

/** Whether the server found its files damaged as it read them. */
export function isDamage(error: unknown): boolean {
  return error instanceof DatabaseError && DAMAGE.has(error.code);
}

const DAMAGE: ReadonlySet<string> = new Set(["XX001", "XX002"]);

/** Says that nobody knows what became of a write. */
export function outcomeUnknown(cause: unknown, attempt: string, location: string): StorageError {
  const message =
    `Cannot ${attempt} in ${location}: the connection was lost during the write, and it could not be found out within ` +
    "commandTimeoutMs whether it is stored. Try again with idempotency keys, which is safe, or read the stream.";
  return new StorageError("STORAGE_OUTCOME_UNKNOWN", message, { cause });
}
