import { isStreamError, StorageError } from "../../protocols/index.js";

/** The failure of a key store as one of the library's. It says that the key is not known, and never that there is none. */
export function keyStoreFailed(attempt: string, cause: unknown): unknown {
  if (isStreamError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot ${attempt} in the key store: ${reason}. Check the key store, and try again.`;
  return new StorageError("STORAGE_UNAVAILABLE", message, { cause });
}
