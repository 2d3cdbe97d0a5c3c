import type { ExpectedVersion } from "./stream.js";

/** What a storage failure was. Programs switch on it. */
export type StorageErrorCode =
  /** The database's folder does not exist. */
  | "STORAGE_FOLDER_MISSING"
  /** The path is a directory. */
  | "STORAGE_IS_DIRECTORY"
  /** The file or its folder may not be read or written. */
  | "STORAGE_PERMISSION_DENIED"
  /** The file is not a SQLite database. */
  | "STORAGE_NOT_A_DATABASE"
  /** The database belongs to another program. */
  | "STORAGE_FOREIGN_DATABASE"
  /** A newer version of this library wrote the database. */
  | "STORAGE_NEWER_SCHEMA"
  /** Another process held the lock for longer than `busyTimeoutMs`. */
  | "STORAGE_LOCKED"
  /** The disk is full. */
  | "STORAGE_FULL"
  /** The database is damaged. */
  | "STORAGE_CORRUPT"
  /** Reading or writing the file failed. */
  | "STORAGE_IO"
  /** The driver is missing, or its SQLite is too old. */
  | "STORAGE_DRIVER_UNSUPPORTED"
  /** Anything else; `cause` has the driver's error. */
  | "STORAGE_FAILED";

/** The stable code of every error that this library throws on purpose. */
export type StreamErrorCode =
  | "CONCURRENCY_CONFLICT"
  | "IDEMPOTENCY_CONFLICT"
  | "INVALID_EVENT"
  | "INVALID_FILTER"
  | "INVALID_ARGUMENT"
  | "READ_ONLY_STREAM"
  | "STREAM_CLOSED"
  | StorageErrorCode;

/**
 * The base of every error that this library throws on purpose.
 *
 * Switch on `code`: it is stable. The message is for people and may change.
 */
export class StreamError extends Error {
  override readonly name: string = "StreamError";
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Whether a value is an error of this library, and of the given code where there is one. Works across copies of the
 * package, where `instanceof` does not.
 *
 * @example
 * ```ts
 * if (isStreamError(error, "STORAGE_LOCKED")) await retryLater();
 * ```
 */
export function isStreamError(error: unknown, code?: StreamErrorCode): error is StreamError {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return code === undefined ? STREAM_ERROR_CODES.has(error.code) : error.code === code;
}

/** The stream was not at the version that the write expected. Nothing was written; read what is new and decide again. */
export class ConcurrencyError extends StreamError {
  override readonly name = "ConcurrencyError";
  readonly streamId: string;
  readonly expectedVersion: ExpectedVersion;
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
  /** Which event of the write, from 0. */
  readonly eventIndex: number;
  /** The path to the value, such as `data.items[3].price`. */
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
  /** Which clause of the filter, from 0; -1 when the filter itself is not a list. */
  readonly clauseIndex: number;

  constructor(clauseIndex: number, message: string, options?: ErrorOptions) {
    super("INVALID_FILTER", message, options);
    this.clauseIndex = clauseIndex;
  }
}

/** An argument is not of the form that the call takes. */
export class InvalidArgumentError extends StreamError {
  override readonly name = "InvalidArgumentError";
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
  readonly streamId: string;

  constructor(streamId: string, message: string, options?: ErrorOptions) {
    super("READ_ONLY_STREAM", message, options);
    this.streamId = streamId;
  }
}

/** The handle or the factory has been disposed. */
export class StreamClosedError extends StreamError {
  override readonly name = "StreamClosedError";

  constructor(message: string, options?: ErrorOptions) {
    super("STREAM_CLOSED", message, options);
  }
}

/** The store failed; `code` says how, `cause` has the driver's error. What was not acknowledged was not stored. */
export class StorageError extends StreamError {
  override readonly name = "StorageError";
  declare readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

const STREAM_ERROR_CODES: ReadonlySet<string> = new Set<StreamErrorCode>([
  "CONCURRENCY_CONFLICT",
  "IDEMPOTENCY_CONFLICT",
  "INVALID_EVENT",
  "INVALID_FILTER",
  "INVALID_ARGUMENT",
  "READ_ONLY_STREAM",
  "STREAM_CLOSED",
  "STORAGE_FOLDER_MISSING",
  "STORAGE_IS_DIRECTORY",
  "STORAGE_PERMISSION_DENIED",
  "STORAGE_NOT_A_DATABASE",
  "STORAGE_FOREIGN_DATABASE",
  "STORAGE_NEWER_SCHEMA",
  "STORAGE_LOCKED",
  "STORAGE_FULL",
  "STORAGE_CORRUPT",
  "STORAGE_IO",
  "STORAGE_DRIVER_UNSUPPORTED",
  "STORAGE_FAILED",
]);
