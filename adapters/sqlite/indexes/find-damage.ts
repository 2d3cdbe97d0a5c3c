import { ALL_STREAM, StorageError } from "../../../protocols/index.js";
import { unindexableEvent } from "../../../src/adapter-kit/damaged-event.js";
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
    return damage instanceof StorageError ? unindexableEvent(damage, location, 'mode: "readonly"', error) : damage;
  }
  return error;
}
