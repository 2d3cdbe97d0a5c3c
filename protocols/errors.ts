import type { ExpectedVersion } from "./stream.js";

/** The code of a storage failure, for programs. */
export type StorageErrorCode =
  /** The database's folder does not exist, or a file is where the folder of blobs should be. */
  | "STORAGE_FOLDER_MISSING"
  /** There is no store at the path, and the mode in which it was opened makes none; or the bucket does not exist. */
  | "STORAGE_NOT_FOUND"
  /** The store was opened to be read only, and what was asked would change it. */
  | "STORAGE_READ_ONLY"
  /** The path is a directory. */
  | "STORAGE_IS_DIRECTORY"
  /** The process has no permission to read or write the file or its folder. */
  | "STORAGE_PERMISSION_DENIED"
  /** The file is not a SQLite database. */
  | "STORAGE_NOT_A_DATABASE"
  /** The database belongs to another program. */
  | "STORAGE_FOREIGN_DATABASE"
  /** A newer version of this library wrote the database, or the snapshot. */
  | "STORAGE_NEWER_SCHEMA"
  /** Another process held the lock for longer than `busyTimeoutMs`. */
  | "STORAGE_LOCKED"
  /** Pending writes exceed the memory limit. The caller does not await its writes. */
  | "STORAGE_OVERLOADED"
  /** The disk is full. Writes succeed again once there is space. */
  | "STORAGE_FULL"
  /** The database, a snapshot or a blob is damaged. Once a call has found the database damaged, no later write is accepted. */
  | "STORAGE_CORRUPT"
  /** Reading or writing the file failed. A write that failed with this code may be stored. */
  | "STORAGE_IO"
  /** An earlier write failed on the disk. No write is accepted until the store is reopened. */
  | "STORAGE_MUST_REOPEN"
  /**
   * The files of the store were deleted, moved or replaced while it was open, or another store took its place on the server. A
   * write in progress may be stored.
   */
  | "STORAGE_REPLACED"
  /** There is a log with content, and its database is missing or empty. Nothing was changed. */
  | "STORAGE_LOG_WITHOUT_DATABASE"
  /** The process, or the system, has no file descriptor left. Nothing was written; try again once some are closed. */
  | "STORAGE_TOO_MANY_FILES"
  /**
   * The store ends before the place of a watch, or before a place that the handle of a read has seen. An older copy replaced
   * it, or its log was truncated. The message says if the place may be a position that was passed as a version. On a server it
   * also means that events are gone which this process has seen, and then every later call fails.
   */
  | "STORAGE_WENT_BACK"
  /** The target path of a backup already exists, or the target of a copy has contents of its own. */
  | "STORAGE_TARGET_EXISTS"
  /** The store is a copy that is not complete. It takes nothing but the rest of the copy. */
  | "STORAGE_COPY_UNFINISHED"
  /** This process has the file open through another copy of SQLite: another driver, or another installation of it. */
  | "STORAGE_DRIVER_CONFLICT"
  /** The file has more than one name (hard links). SQLite keeps a log for each name. */
  | "STORAGE_HARD_LINKED"
  /** This store, or this database, cannot do what was asked. */
  | "STORAGE_UNSUPPORTED"
  /** The server could not be reached, or ended the connection. Nothing was stored; try again. */
  | "STORAGE_UNAVAILABLE"
  /**
   * The connection was lost during a write, and it could not be found out in time whether the write is stored. Try again with
   * idempotency keys, which is safe, or read.
   */
  | "STORAGE_OUTCOME_UNKNOWN"
  /** The driver is missing, or its SQLite is too old. */
  | "STORAGE_DRIVER_UNSUPPORTED"
  /** Anything else; `cause` has the driver's error. */
  | "STORAGE_FAILED";

/** The stable code of every error that this library throws on purpose. */
export type StreamErrorCode =
  /** A {@link ConcurrencyError}: the stream was not at the expected version. */
  | "CONCURRENCY_CONFLICT"
  /** An {@link IdempotencyConflictError}: a key is already stored with other content. */
  | "IDEMPOTENCY_CONFLICT"
  /** An {@link InvalidEventError}: an event cannot be stored without loss. */
  | "INVALID_EVENT"
  /** An {@link InvalidFilterError}: a clause has an unknown field or operator or an unsuitable value, or is too long. */
  | "INVALID_FILTER"
  /** An {@link InvalidArgumentError}: an argument or an option is unknown or invalid. */
  | "INVALID_ARGUMENT"
  /** A {@link ReadOnlyStreamError}: `@all` was written to. */
  | "READ_ONLY_STREAM"
  /** A `ConditionError`: an event matched a condition of the write. */
  | "CONDITION_FAILED"
  /** A `RecordConflictError`: a record did not have the expected revision. */
  | "RECORD_CONFLICT"
  /** A `TransactionError`: a transaction took longer than its `timeoutMs`. */
  | "TRANSACTION_TIMEOUT"
  /** A `TransactionError`: a transaction used anything but its `tx`, or `tx` was used after its end. */
  | "TRANSACTION_MISUSE"
  /** An `EventsRemovedError`: a read or a watch begins before the first event that is left. */
  | "EVENTS_REMOVED"
  /** An `EventsNeededError`: somebody has yet to read the events to remove. */
  | "EVENTS_NEEDED"
  /** A `StreamDeletedError`: the stream was deleted. */
  | "STREAM_DELETED"
  /** An `EventVersionError`: a catalogue of event types does not know an event that was read. */
  | "EVENT_VERSION"
  /** A `SubjectForgottenError`: a write has personal data of somebody who is forgotten. */
  | "SUBJECT_FORGOTTEN"
  /** A `MigrationError`: the text of a migration that was applied has changed. */
  | "MIGRATION_CHANGED"
  /** A `MigrationError`: a migration that was applied is not in the list any more. */
  | "MIGRATION_MISSING"
  /** A `TimeoutError`: something was not processed in time. */
  | "TIMEOUT"
  /** A `BlobReplacedError`: a blob was replaced or deleted while its bytes were read. */
  | "BLOB_REPLACED"
  /** A {@link StreamClosedError}: the handle or the factory has been disposed. */
  | "STREAM_CLOSED"
  | StorageErrorCode;

/** Distinguishes errors of this library from others, also across copies of the package. */
export const STREAM_ERROR_BRAND: unique symbol = Symbol.for("async-streams.StreamError");

/**
 * The base of every error that this library throws on purpose.
 *
 * Switch on `code`: it is stable. The message is for people and may change.
 */
export class StreamError extends Error {
  /** The name of the class, for logs. */
  override readonly name: string = "StreamError";
  /** Marks errors of this library: see `isStreamError`. */
  declare readonly [STREAM_ERROR_BRAND]: true;
  /** What went wrong, for programs. */
  readonly code: StreamErrorCode;
  /**
   * Whether the same call may succeed later, unchanged and on the same factory. It is true for `STORAGE_LOCKED` (the lock may
   * be released), `STORAGE_OVERLOADED` (pending writes may be stored), `STORAGE_FULL` (there may be space),
   * `STORAGE_TOO_MANY_FILES` (some may be closed), `STORAGE_UNAVAILABLE` (the server may come back) and
   * `STORAGE_OUTCOME_UNKNOWN`. All but the last left the store as it was: try that one again with idempotency keys. Every other
   * code needs a change first: a `CONCURRENCY_CONFLICT`, for instance, needs a new decision on the new events.
   */
  readonly retryable: boolean;

  /** For subclasses. `options.cause` is the error that caused this one. */
  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE_CODES.has(code);
  }

  static {
    // On the prototype, so that it is in no error's listing of fields.
    Object.defineProperty(StreamError.prototype, STREAM_ERROR_BRAND, { value: true });
  }
}

/** The stream was not at the version that the write expected. Nothing was written. Read the new events and decide again. */
export class ConcurrencyError extends StreamError {
  override readonly name = "ConcurrencyError";
  declare readonly code: "CONCURRENCY_CONFLICT";
  /** The stream that was written to. */
  readonly streamId: string;
  /** The version that the write expected. */
  readonly expectedVersion: ExpectedVersion;
  /**
   * The stream's version when the write was decided. It may equal `expectedVersion` if only some of the write's keys were
   * already stored.
   */
  readonly actualVersion: number;

  /** Adapters throw it from `append`. `decideAppend` of `async-streams/adapter` makes one. */
  constructor(
    conflict: { streamId: string; expectedVersion: ExpectedVersion; actualVersion: number },
    message: string,
    options?: ErrorOptions,
  ) {
    super("CONCURRENCY_CONFLICT", message, options);
    this.streamId = conflict.streamId;
    this.expectedVersion = conflict.expectedVersion;
    this.actualVersion = conflict.actualVersion;
  }
}

/** One idempotency key was used for two different events. Nothing was written. */
export class IdempotencyConflictError extends StreamError {
  override readonly name = "IdempotencyConflictError";
  declare readonly code: "IDEMPOTENCY_CONFLICT";
  /** The stream that was written to. */
  readonly streamId: string;
  /** The key that is stored with another event, or occurs twice in the write. */
  readonly idempotencyKey: string;
  /** Which event of the write carries the key, from 0. */
  readonly eventIndex: number;

  /** Adapters throw it from `append`. `decideAppend` of `async-streams/adapter` makes one. */
  constructor(
    conflict: { streamId: string; idempotencyKey: string; eventIndex: number },
    message: string,
    options?: ErrorOptions,
  ) {
    super("IDEMPOTENCY_CONFLICT", message, options);
    this.streamId = conflict.streamId;
    this.idempotencyKey = conflict.idempotencyKey;
    this.eventIndex = conflict.eventIndex;
  }
}

/** An event cannot be stored without loss, or is larger than a limit. Nothing was written. */
export class InvalidEventError extends StreamError {
  override readonly name = "InvalidEventError";
  declare readonly code: "INVALID_EVENT";
  /** Which event of the write, from 0. */
  readonly eventIndex: number;
  /** The path to the value, such as `data.items[3].price`; empty if the event as a whole is invalid. */
  readonly path: string;

  /** The library makes it before an adapter gets the event. */
  constructor(place: { eventIndex: number; path: string }, message: string, options?: ErrorOptions) {
    super("INVALID_EVENT", message, options);
    this.eventIndex = place.eventIndex;
    this.path = place.path;
  }
}

/** A filter has an unknown field or operator, or an unsuitable value, or exceeds a limit. */
export class InvalidFilterError extends StreamError {
  override readonly name = "InvalidFilterError";
  declare readonly code: "INVALID_FILTER";
  /** Which clause of the filter, from 0; -1 if the filter as a whole is not a list, or too large. */
  readonly clauseIndex: number;

  /** The library makes it before an adapter gets the filter. */
  constructor(clauseIndex: number, message: string, options?: ErrorOptions) {
    super("INVALID_FILTER", message, options);
    this.clauseIndex = clauseIndex;
  }
}

/** An argument or option is unknown or invalid. */
export class InvalidArgumentError extends StreamError {
  override readonly name = "InvalidArgumentError";
  declare readonly code: "INVALID_ARGUMENT";
  /** The argument or option, such as `expectedVersion`. */
  readonly argument: string;

  /** Adapters throw it for arguments of their own factory function. */
  constructor(argument: string, message: string, options?: ErrorOptions) {
    super("INVALID_ARGUMENT", message, options);
    this.argument = argument;
  }
}

/** A write to `@all`, which is read-only. */
export class ReadOnlyStreamError extends StreamError {
  override readonly name = "ReadOnlyStreamError";
  declare readonly code: "READ_ONLY_STREAM";
  /** The stream that was written to: `@all`. */
  readonly streamId: string;

  /** The library makes it before an adapter gets the write. */
  constructor(streamId: string, message: string, options?: ErrorOptions) {
    super("READ_ONLY_STREAM", message, options);
    this.streamId = streamId;
  }
}

/** The handle or the factory has been disposed. */
export class StreamClosedError extends StreamError {
  override readonly name = "StreamClosedError";
  declare readonly code: "STREAM_CLOSED";

  /** Adapters throw it from every method once they are disposed. `Lifetime` of `async-streams/adapter` makes one. */
  constructor(message: string, options?: ErrorOptions) {
    super("STREAM_CLOSED", message, options);
  }
}

/** The place of an event in its stream and in the store. */
export interface EventPlace {
  /** The stream that contains it. */
  readonly streamId: string;
  /** Its version in the stream, from 1. */
  readonly version: number;
  /** Its position in the store. */
  readonly position: number;
}

/**
 * The store failed. `code` says how, and `cause` has the driver's error if there is one. A failed write was not stored, with
 * three exceptions. It may be stored after `STORAGE_IO`, because the disk failed during the write, after the first
 * `STORAGE_REPLACED` or `STORAGE_CORRUPT`, because the files changed during the write, and after `STORAGE_OUTCOME_UNKNOWN`,
 * because the connection was lost.
 */
export class StorageError extends StreamError {
  override readonly name = "StorageError";
  declare readonly code: StorageErrorCode;
  /** With `STORAGE_CORRUPT`, the stream of the damaged event, if there is one. */
  declare readonly streamId?: string;
  /** The version of the damaged event. */
  declare readonly version?: number;
  /** The position of the damaged event. */
  declare readonly position?: number;

  /** Adapters throw it when the store fails. `options.event` is the place of a damaged event. */
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions & { readonly event?: EventPlace }) {
    super(code, message, options);
    if (options?.event !== undefined) {
      this.streamId = options.event.streamId;
      this.version = options.event.version;
      this.position = options.event.position;
    }
  }
}

const RETRYABLE_CODES: ReadonlySet<StreamErrorCode> = new Set([
  "STORAGE_LOCKED",
  "STORAGE_OVERLOADED",
  "STORAGE_FULL",
  "STORAGE_TOO_MANY_FILES",
  "STORAGE_UNAVAILABLE",
  "STORAGE_OUTCOME_UNKNOWN",
]);
