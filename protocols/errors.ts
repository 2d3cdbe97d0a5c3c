import type { ExpectedVersion } from "./stream.js";

/** What a storage failure was. Programs switch on it. */
export type StorageErrorCode =
  /** The database's folder does not exist. */
  | "STORAGE_FOLDER_MISSING"
  /** There is no store at the path, and the mode in which it was opened makes none. */
  | "STORAGE_NOT_FOUND"
  /** The store was opened to be read only, and what was asked would change it. */
  | "STORAGE_READ_ONLY"
  /** The path is a directory. */
  | "STORAGE_IS_DIRECTORY"
  /** The file or its folder may not be read or written. */
  | "STORAGE_PERMISSION_DENIED"
  /** The file is not a SQLite database. */
  | "STORAGE_NOT_A_DATABASE"
  /** The database belongs to another program. */
  | "STORAGE_FOREIGN_DATABASE"
  /** A newer version of this library wrote the database, or the snapshot. */
  | "STORAGE_NEWER_SCHEMA"
  /** Another process held the lock for longer than `busyTimeoutMs`. */
  | "STORAGE_LOCKED"
  /** More writes wait than memory is set aside for. The caller does not await its writes. */
  | "STORAGE_OVERLOADED"
  /** The disk is full. Writes go on once there is room. */
  | "STORAGE_FULL"
  /** The database, or a snapshot, is damaged. After a call has found the database so, no later write is accepted. */
  | "STORAGE_CORRUPT"
  /** Reading or writing the file failed. A write that failed so may turn out to be stored. */
  | "STORAGE_IO"
  /** An earlier write failed on the disk, so that nothing more is accepted before the store has been opened again. */
  | "STORAGE_MUST_REOPEN"
  /** The files of the store were deleted, moved or replaced while it was open. A write that was under way may be stored. */
  | "STORAGE_REPLACED"
  /** A log with content is there, and the database that it belongs to is missing or empty. Nothing was touched. */
  | "STORAGE_LOG_WITHOUT_DATABASE"
  /** The process, or the system, has no file descriptor left. Nothing was written; try again once some are closed. */
  | "STORAGE_TOO_MANY_FILES"
  /**
   * The store ends before the place of a watch, or before one that the handle of a read has seen: an older copy was put in
   * its place, or its log was cut. The message says when the place may be a position that was given for a version.
   */
  | "STORAGE_WENT_BACK"
  /** There is a file already where a backup should go. */
  | "STORAGE_TARGET_EXISTS"
  /** This process has the file open through another copy of SQLite: another driver, or another installation of it. */
  | "STORAGE_DRIVER_CONFLICT"
  /** The file has more than one name (hard links). SQLite keeps a log for each name. */
  | "STORAGE_HARD_LINKED"
  /** The driver is missing, or its SQLite is too old. */
  | "STORAGE_DRIVER_UNSUPPORTED"
  /** Anything else; `cause` has the driver's error. */
  | "STORAGE_FAILED";

/** The stable code of every error that this library throws on purpose. */
export type StreamErrorCode =
  /** A {@link ConcurrencyError}: the stream was not at the expected version. */
  | "CONCURRENCY_CONFLICT"
  /** An {@link IdempotencyConflictError}: a key is stored already with other content. */
  | "IDEMPOTENCY_CONFLICT"
  /** An {@link InvalidEventError}: an event cannot be stored without loss. */
  | "INVALID_EVENT"
  /** An {@link InvalidFilterError}: a clause has an unknown field or operator, a value that does not fit, or is too long. */
  | "INVALID_FILTER"
  /** An {@link InvalidArgumentError}: an argument or an option is unknown or invalid. */
  | "INVALID_ARGUMENT"
  /** A {@link ReadOnlyStreamError}: `@all` was written to. */
  | "READ_ONLY_STREAM"
  /** A {@link StreamClosedError}: the handle or the factory has been disposed. */
  | "STREAM_CLOSED"
  | StorageErrorCode;

/**
 * The base of every error that this library throws on purpose.
 *
 * Switch on `code`: it is stable. The message is for people and may change.
 */
export class StreamError extends Error {
  override readonly name: string = "StreamError";
  /** What went wrong, for programs. */
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The stream was not at the version that the write expected. Nothing was written; read what is new and decide again. */
export class ConcurrencyError extends StreamError {
  override readonly name = "ConcurrencyError";
  declare readonly code: "CONCURRENCY_CONFLICT";
  readonly streamId: string;
  /** What the write asked for. */
  readonly expectedVersion: ExpectedVersion;
  /**
   * The stream's version when that was decided. It may equal `expectedVersion` where only some of the write's keys were
   * stored already.
   */
  readonly actualVersion: number;

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
  readonly streamId: string;
  readonly idempotencyKey: string;
  /** Which event of the write carries the key, from 0. */
  readonly eventIndex: number;

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
  /** The path to the value, such as `data.items[3].price`; empty where the event as a whole is at fault. */
  readonly path: string;

  constructor(place: { eventIndex: number; path: string }, message: string, options?: ErrorOptions) {
    super("INVALID_EVENT", message, options);
    this.eventIndex = place.eventIndex;
    this.path = place.path;
  }
}

/** A filter has an unknown field or operator, or a value that does not fit the operator. */
export class InvalidFilterError extends StreamError {
  override readonly name = "InvalidFilterError";
  declare readonly code: "INVALID_FILTER";
  /** Which clause of the filter, from 0; -1 when the filter as a whole is no list, or too large. */
  readonly clauseIndex: number;

  constructor(clauseIndex: number, message: string, options?: ErrorOptions) {
    super("INVALID_FILTER", message, options);
    this.clauseIndex = clauseIndex;
  }
}

/** An argument is not of the form that the call takes. */
export class InvalidArgumentError extends StreamError {
  override readonly name = "InvalidArgumentError";
  declare readonly code: "INVALID_ARGUMENT";
  /** The argument or option, such as `expectedVersion`. */
  readonly argument: string;

  constructor(argument: string, message: string, options?: ErrorOptions) {
    super("INVALID_ARGUMENT", message, options);
    this.argument = argument;
  }
}

/** A write was addressed to `@all`, which is read-only. */
export class ReadOnlyStreamError extends StreamError {
  override readonly name = "ReadOnlyStreamError";
  declare readonly code: "READ_ONLY_STREAM";
  readonly streamId: string;

  constructor(streamId: string, message: string, options?: ErrorOptions) {
    super("READ_ONLY_STREAM", message, options);
    this.streamId = streamId;
  }
}

/** The handle or the factory has been disposed. */
export class StreamClosedError extends StreamError {
  override readonly name = "StreamClosedError";
  declare readonly code: "STREAM_CLOSED";

  constructor(message: string, options?: ErrorOptions) {
    super("STREAM_CLOSED", message, options);
  }
}

/** Where an event is in its stream and in the store. */
export interface EventPlace {
  readonly streamId: string;
  readonly version: number;
  readonly position: number;
}

/**
 * The store failed; `code` says how, `cause` has the driver's error where there is one. A write that failed was not
 * stored, except that it may turn out to be with `STORAGE_IO`, where the disk failed in the middle of it, and with the
 * first `STORAGE_REPLACED` or `STORAGE_CORRUPT`, where the files changed in the middle of it.
 */
export class StorageError extends StreamError {
  override readonly name = "StorageError";
  declare readonly code: StorageErrorCode;
  /**
   * Whether the same call, unchanged and on the same factory, may succeed later. So it is after `STORAGE_LOCKED` (the lock
   * is released), `STORAGE_OVERLOADED` (what waits is stored), `STORAGE_FULL` (there is room) and `STORAGE_TOO_MANY_FILES`
   * (some are closed): each left the store as it was. After every other code something has to be changed or found out first.
   */
  readonly retryable: boolean;
  /** The stream of the event that is damaged, where one is: `STORAGE_CORRUPT`. */
  declare readonly streamId?: string;
  /** The version of the event that is damaged. */
  declare readonly version?: number;
  /** The position of the event that is damaged. */
  declare readonly position?: number;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions & { readonly event?: EventPlace }) {
    super(code, message, options);
    this.retryable = RETRYABLE_CODES.has(code);
    if (options?.event !== undefined) {
      this.streamId = options.event.streamId;
      this.version = options.event.version;
      this.position = options.event.position;
    }
  }
}

const RETRYABLE_CODES: ReadonlySet<StorageErrorCode> = new Set([
  "STORAGE_LOCKED",
  "STORAGE_OVERLOADED",
  "STORAGE_FULL",
  "STORAGE_TOO_MANY_FILES",
]);
