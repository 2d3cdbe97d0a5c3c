import type { EventsNeededError, EventsRemovedError, StreamDeletedError } from "./administration-errors.js";
import type { BlobReplacedError } from "./blob-replaced-error.js";
import {
  type ConcurrencyError,
  type IdempotencyConflictError,
  type InvalidArgumentError,
  type InvalidEventError,
  type InvalidFilterError,
  type ReadOnlyStreamError,
  STREAM_ERROR_BRAND,
  type StorageError,
  type StorageErrorCode,
  type StreamClosedError,
  type StreamError,
  type StreamErrorCode,
} from "./errors.js";
import type { EventVersionError } from "./event-version-error.js";
import type { MigrationError, MigrationErrorCode } from "./migration-error.js";
import type { SubjectForgottenError } from "./subject-forgotten-error.js";
import type { TimeoutError } from "./timeout-error.js";
import type {
  ConditionError,
  RecordConflictError,
  TransactionError,
  TransactionErrorCode,
} from "./transaction-errors.js";

/** Every error that this library throws on purpose: a union, so that `switch (error.code)` narrows it to one class. */
export type AnyStreamError =
  | ConcurrencyError
  | IdempotencyConflictError
  | InvalidEventError
  | InvalidFilterError
  | InvalidArgumentError
  | ReadOnlyStreamError
  | ConditionError
  | RecordConflictError
  | TransactionError
  | EventsRemovedError
  | EventsNeededError
  | StreamDeletedError
  | EventVersionError
  | SubjectForgottenError
  | MigrationError
  | TimeoutError
  | BlobReplacedError
  | StreamClosedError
  | StorageError;

/** The error that has this code: `StreamErrorOf<"CONCURRENCY_CONFLICT">` is `ConcurrencyError`. */
export type StreamErrorOf<C extends StreamErrorCode> = C extends StorageErrorCode
  ? StorageError & { readonly code: C }
  : C extends TransactionErrorCode
    ? TransactionError & { readonly code: C }
    : C extends MigrationErrorCode
      ? MigrationError & { readonly code: C }
      : C extends "TIMEOUT"
        ? TimeoutError
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
  if (typeof error !== "object" || error === null) return false;
  try {
    return STREAM_ERROR_BRAND in error && (code === undefined || (error as StreamError).code === code);
  } catch {
    // Anything can be thrown, also a proxy that cannot be looked at.
    return false;
  }
}
