import { StorageError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** Says that a page is of another store than the pages before it. */
export function replacedStore(attempt: "read" | "watch", streamId: string, location: string | undefined): StorageError {
  const message =
    `Cannot go on to ${attempt} stream "${streamId}"${inStore(location)}: another store, or an older copy of it, was put in its ` +
    "place. Find out what was lost, and open the store again.";
  return new StorageError("STORAGE_REPLACED", message);
}
