import { BlobReplacedError, StorageError } from "../../protocols/index.js";
import { inCall, inStore } from "../validate/in-call.js";

/** Says of a failure in which call it was. An adapter knows only what it did itself. */
export function inBlobCall(error: unknown, attempt: string, location: string | undefined): unknown {
  if (!(error instanceof StorageError)) return inCall(error, attempt, location);
  const { code, message, cause } = error;
  const reason = `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  return new StorageError(code, `Cannot ${attempt}${inStore(location)}: ${reason}`, { cause });
}

/** The bytes of a blob, or what describes it, are not what was stored. */
export function damagedBlob(reason: string): StorageError {
  const advice = "Put it again, from a backup or from where it came.";
  return new StorageError("STORAGE_CORRUPT", `The blob is damaged: ${reason}. ${advice}`);
}

export function blobReplaced(key: string, location: string | undefined): BlobReplacedError {
  const message =
    `Cannot read the rest of blob "${key}"${inStore(location)}: it was replaced or deleted meanwhile. ` +
    "Get it again, and use nothing of what was read.";
  return new BlobReplacedError(key, message);
}

/** What a put had stored so far was taken for the remains of another process. */
export function putTookTooLong(stalePutMs: number): StorageError {
  const message =
    `Its bytes did not come for ${stalePutMs / 60_000} minutes, so that what was there was removed. Nothing was stored. ` +
    "Put it again, with data that does not wait so long.";
  return new StorageError("STORAGE_FAILED", message);
}
