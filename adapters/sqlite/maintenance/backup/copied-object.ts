import { StorageError } from "../../../../protocols/index.js";
import { sqliteCode } from "../../sqlite-errors.js";

/** SQLite's codes for an object that it cannot create or fill. Other codes concern the file and not the object. */
const CODES_OF_OBJECTS: ReadonlySet<string> = new Set(["SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH"]);

/**
 * Copies an object, and names it where SQLite cannot: it may need a function or a module that only the application's own
 * connections have.
 *
 * @param object - such as `index "by_name"`
 */
export async function copyingObject<T>(object: string, copy: () => Promise<T>): Promise<T> {
  try {
    return await copy();
  } catch (error) {
    if (!CODES_OF_OBJECTS.has(sqliteCode(error) ?? "")) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message =
      `Cannot back up the ${object}: ${reason}. No copy was made. ` +
      `Change or drop it, or leave out the application's tables with tables: "none".`;
    throw new StorageError("STORAGE_FAILED", message, { cause: error });
  }
}
