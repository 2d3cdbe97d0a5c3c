import type PG from "pg";
import { StorageError } from "../../../protocols/index.js";

let loaded: typeof PG | undefined;

/**
 * Loads the package `pg` at the first opening, so that importing the adapter needs no optional package.
 *
 * @throws StorageError `STORAGE_DRIVER_UNSUPPORTED`
 */
export async function loadPG(): Promise<typeof PG> {
  if (loaded !== undefined) return loaded;
  try {
    loaded = (await import("pg")).default;
    return loaded;
  } catch (cause) {
    const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    const message = `Cannot load the PostgreSQL client "pg": ${reason.replace(/\.$/, "")}. Install it: npm install pg.`;
    throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message, { cause });
  }
}
