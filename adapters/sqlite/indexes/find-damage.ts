import { findUnindexableEvent } from "../../../src/adapter-kit/find-unindexable-event.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isUnreadable, readPage } from "../read/read-page.js";

/** Says of an index that could not be built which event it failed at. @returns the error to throw */
export async function damageOf(error: unknown, connection: SQLiteConnection, location: string): Promise<unknown> {
  if (!isUnreadable(error)) return error;
  return findUnindexableEvent(
    error,
    (query) => readPage(connection, query, [], location),
    location,
    'mode: "readonly"',
  );
}
