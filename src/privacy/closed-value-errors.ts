import { StorageError, type StoredEvent } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** A sealed value that does not open, though there is a key. */
export function damagedValue(event: StoredEvent, path: string, location: string | undefined): StorageError {
  const reason = "it is damaged, or was sealed for another event, field or person. It is not erased";
  return unopened(event, path, location, `${reason}; restore the event from a backup`);
}

/** A sealed value whose key is not in the key store, which does not know it for destroyed either. */
export function missingKey(event: StoredEvent, path: string, location: string | undefined): StorageError {
  const reason = "the key store has no key of the person, and has not forgotten them";
  return unopened(
    event,
    path,
    location,
    `${reason}; check that it is the key store of this store, and not an older copy`,
  );
}

function unopened(event: StoredEvent, path: string, location: string | undefined, reason: string): StorageError {
  const { streamId, version } = event;
  const message = `Cannot open ${path} of event ${version} of stream "${streamId}"${inStore(location)}: ${reason}.`;
  return new StorageError("STORAGE_CORRUPT", message, { event });
}
