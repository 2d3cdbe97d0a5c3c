import type {
  ConcurrencyError,
  IdempotencyConflictError,
  InvalidArgumentError,
  InvalidEventError,
  InvalidFilterError,
  ReadOnlyStreamError,
  StorageError,
  StorageErrorCode,
  StreamClosedError,
  StreamErrorCode,
} from "./errors.js";

/** Every error that this library throws on purpose: a union, so that `switch (error.code)` narrows it to one class. */
export type AnyStreamError =
  | ConcurrencyError
  | IdempotencyConflictError
  | InvalidEventError
  | InvalidFilterError
  | InvalidArgumentError
  | ReadOnlyStreamError
  | StreamClosedError
  | StorageError;

/** The error that has this code: `StreamErrorOf<"CONCURRENCY_CONFLICT">` is `ConcurrencyError`. */
export type StreamErrorOf<C extends StreamErrorCode> = C extends StorageErrorCode
  ? StorageError & { readonly code: C }
  : Extract<AnyStreamError, { readonly code: C }>;

/**
 * Tests whether a value is an error of this library, and optionally whether it has the given code. It narrows the type: with
 * a code to the class of that code, and without one to a union that `switch (error.code)` narrows further. It works across
 * copies of the package, where `instanceof` does not.
 *
 * @example
 * ```ts
 * if (isStreamError(error, "STORAGE_LOCKED")) await retryLater();
 * if (isStreamError(error, "CONCURRENCY_CONFLICT")) console.log(error.actualVersion);
 * ```
 */
export function isStreamError(error: unknown): error is AnyStreamError;
export function isStreamError<C extends StreamErrorCode>(error: unknown, code: C): error is StreamErrorOf<C>;
export function isStreamError(error: unknown, code?: StreamErrorCode): boolean {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return code === undefined ? Object.hasOwn(STREAM_ERROR_CODES, error.code) : error.code === code;
}

/** A record, so that the compiler reports a missing code. */
const STREAM_ERROR_CODES: Readonly<Record<StreamErrorCode, true>> = {
  CONCURRENCY_CONFLICT: true,
  IDEMPOTENCY_CONFLICT: true,
  INVALID_EVENT: true,
  INVALID_FILTER: true,
  INVALID_ARGUMENT: true,
  READ_ONLY_STREAM: true,
  STREAM_CLOSED: true,
  STORAGE_FOLDER_MISSING: true,
  STORAGE_NOT_FOUND: true,
  STORAGE_READ_ONLY: true,
  STORAGE_IS_DIRECTORY: true,
  STORAGE_PERMISSION_DENIED: true,
  STORAGE_NOT_A_DATABASE: true,
  STORAGE_FOREIGN_DATABASE: true,
  STORAGE_NEWER_SCHEMA: true,
  STORAGE_LOCKED: true,
  STORAGE_OVERLOADED: true,
  STORAGE_FULL: true,
  STORAGE_CORRUPT: true,
  STORAGE_IO: true,
  STORAGE_MUST_REOPEN: true,
  STORAGE_REPLACED: true,
  STORAGE_LOG_WITHOUT_DATABASE: true,
  STORAGE_TOO_MANY_FILES: true,
  STORAGE_WENT_BACK: true,
  STORAGE_TARGET_EXISTS: true,
  STORAGE_DRIVER_CONFLICT: true,
  STORAGE_HARD_LINKED: true,
  STORAGE_DRIVER_UNSUPPORTED: true,
  STORAGE_FAILED: true,
};
