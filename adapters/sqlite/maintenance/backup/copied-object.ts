import { StorageError, type StorageErrorCode } from "../../../../protocols/index.js";
import { sqliteCode } from "../../sqlite-errors.js";

/** SQLite's codes for an object that it cannot create or fill. Other codes concern the file and not the object. */
const CODES_OF_OBJECTS: ReadonlySet<string> = new Set(["SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH"]);

/**
 * Copies an object, and names it where SQLite cannot: it may need a function or a module that only the application's own
 * connections have.
 *
 * @param object - such as `index "by_name"`
 */
export function copyingObject<T>(object: string, copy: () => Promise<T>): Promise<T> {
  const remedy = `Change or drop it, or leave out the application's tables with tables: "none".`;
  return naming(object, "STORAGE_FAILED", remedy, copy);
}

/** Copies a table of the library. Where SQLite cannot, it has another form or other values than the library gives it. */
export function copyingLibraryTable<T>(table: string, copy: () => Promise<T>): Promise<T> {
  return naming(table, "STORAGE_CORRUPT", "The database is damaged; verify() lists what is.", copy);
}

async function naming<T>(object: string, code: StorageErrorCode, remedy: string, copy: () => Promise<T>): Promise<T> {
  try {
    return await copy();
  } catch (error) {
    if (!CODES_OF_OBJECTS.has(sqliteCode(error) ?? "")) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageError(code, `Cannot back up the ${object}: ${reason}. No copy was made. ${remedy}`, {
      cause: error,
    });
  }
}
