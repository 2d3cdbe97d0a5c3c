import { ALL_STREAM, type EventPage, type ReadQuery, StorageError } from "../../protocols/index.js";
import { MAX_PAGE_EVENTS } from "../limits.js";
import { unindexableEvent } from "./damaged-event.js";

/**
 * Says of an index that could not be built which event it failed at. Databases do not say so, so events are read up to it.
 *
 * @param error - what the database failed with
 * @param readOnly - the option by which a store is opened to be read only
 * @returns the error to throw
 */
export async function findUnindexableEvent(
  error: unknown,
  readPage: (query: ReadQuery) => Promise<EventPage>,
  location: string,
  readOnly: string,
): Promise<unknown> {
  try {
    for (let after: number | null = 0; after !== null; ) {
      const query = { streamId: ALL_STREAM, after, limit: MAX_PAGE_EVENTS, direction: "forward" } as const;
      ({ next: after } = await readPage(query));
    }
  } catch (damage) {
    return damage instanceof StorageError ? unindexableEvent(damage, location, readOnly, error) : damage;
  }
  return error;
}
