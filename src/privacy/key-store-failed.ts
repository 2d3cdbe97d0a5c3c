import { isStreamError, StorageError } from "../../protocols/index.js";

/** A key that the key store has, and that cannot be used: asked for again, it is hardly another one. */
export class UnusableKeyError extends StorageError {}

/** Whether a key store may soon do what it could not: it is away, or locked. */
export function mayKeyStoreRecover(error: unknown): boolean {
  return isStreamError(error) && error.retryable && !(error instanceof UnusableKeyError);
}

/** The failure of a key store as one of the library's. It says that the key is not known, and never that there is none. */
export function keyStoreFailed(attempt: string, cause: unknown): unknown {
  if (isStreamError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot ${attempt} in the key store: ${reason}. Check the key store, and try again.`;
  return new StorageError("STORAGE_UNAVAILABLE", message, { cause });
}

/** What a key store has in the place of a key. */
export function unusableKey(attempt: string, reason: string): UnusableKeyError {
  return new UnusableKeyError(
    "STORAGE_UNAVAILABLE",
    `Cannot ${attempt} in the key store: ${reason}. Check the key store.`,
  );
}
