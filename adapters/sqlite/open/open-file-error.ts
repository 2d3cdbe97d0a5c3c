import type { StorageErrorCode } from "../../../protocols/index.js";

/** A problem with the files of an open store, before the message names the call that it made fail. */
export class OpenFileError extends Error {
  readonly code: StorageErrorCode;

  /** @param reason - why a call fails, and what to do, as the end of a sentence */
  constructor(code: StorageErrorCode, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.code = code;
  }
}

/** @param cause - what the file system said of the file */
export function unreadable(path: string, cause: unknown): OpenFileError {
  const reason = `${path} could not be read (${(cause as Error).message}); check the disk`;
  return new OpenFileError("STORAGE_IO", reason, { cause });
}

/** @param found - what was found about which file, as the beginning of a sentence */
export function replaced(found: string): OpenFileError {
  const reason =
    `${found} while the store was open. A write that was under way may be stored in the file that was opened; after it ` +
    "nothing is written or read. Look for that file and at what is at the path now, dispose of the factory, and open the " +
    "store again";
  return new OpenFileError("STORAGE_REPLACED", reason);
}

/** @param found - what was found about which file, as the beginning of a sentence */
export function damaged(found: string): OpenFileError {
  const reason =
    `${found} while the store was open, and acknowledged events are gone. Nothing more is written. Keep the files as they ` +
    "are, dispose of the factory, and restore a backup";
  return new OpenFileError("STORAGE_CORRUPT", reason);
}
