import { type JsonObject, StorageError } from "../../protocols/index.js";

/**
 * Parses a value that was stored as JSON.
 *
 * @param what - such as `the record "theme" of "settings"`
 * @throws StorageError `STORAGE_CORRUPT` when it is not JSON
 */
export function storedJSON(text: unknown, what: string): unknown {
  try {
    // Of a damaged row it may be anything: null would come back as a value.
    if (typeof text === "string") return JSON.parse(text);
  } catch (cause) {
    throw damaged(what, cause);
  }
  throw damaged(what);
}

/** @throws StorageError `STORAGE_CORRUPT` when it is not the JSON of an object */
export function storedObject(text: unknown, what: string): JsonObject {
  const value = storedJSON(text, what);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw damaged(what);
}

function damaged(what: string, cause?: unknown): StorageError {
  const message = `Cannot read ${what}: its value is not the JSON that was stored. The database is damaged.`;
  return new StorageError("STORAGE_CORRUPT", message, cause === undefined ? {} : { cause });
}
