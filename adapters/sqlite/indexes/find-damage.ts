import { ALL_STREAM, StorageError } from "../../../protocols/index.js";
import { MAX_PAGE_EVENTS } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isUnreadable, readPage } from "../read/read-page.js";

/**
 * Says of an index that could not be built which event it failed at. SQLite does not say so, so events are read up to it.
 *
 * @returns the error to throw
 */
export async function damageOf(error: unknown, connection: SQLiteConnection, location: string): Promise<unknown> {
  if (!isUnreadable(error)) return error;
  try {
    for (let after: number | null = 0; after !== null; ) {
      const query = { streamId: ALL_STREAM, after, limit: MAX_PAGE_EVENTS, direction: "forward" } as const;
      ({ next: after } = await readPage(connection, query, [], location));
    }
  } catch (damage) {
    return damage instanceof StorageError ? unindexable(damage, location, error) : damage;
  }
  return error;
}

function unindexable(damage: StorageError, location: string, cause: unknown): StorageError {
  const { streamId, version = 0, position = 0 } = damage;
  const what =
    streamId === undefined ? "an event" : `version ${version} of stream "${streamId}" (position ${position})`;
  const message =
    `Cannot build an index in ${location}: the data or metadata of ${what} is not the JSON that was written. The database ` +
    'is damaged. Open the store without this index, or with mode: "readonly"; verify() lists what is damaged.';
  return new StorageError("STORAGE_CORRUPT", message, {
    ...(streamId === undefined ? {} : { event: { streamId, version, position } }),
    cause,
  });
}
