import { isStreamError, StorageError } from "../../protocols/index.js";

/**
 * Whether what the library itself does with its records may succeed later. It does nothing slow in a transaction: where the time
 * of one is over, the process was suspended, or the machine was.
 */
export function isPassingFailure(error: unknown): boolean {
  return (error instanceof StorageError && error.retryable) || isStreamError(error, "TRANSACTION_TIMEOUT");
}
