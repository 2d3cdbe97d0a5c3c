import { ALL_STREAM, StorageError } from "../../../protocols/index.js";
import { unindexableEvent } from "../../../src/adapter-kit/damaged-event.js";
import { DatabaseError, type PostgresConnection } from "../client/client.js";
import { StoreHistory } from "../history/store-history.js";
import type { StoreNames } from "../open/schema.js";
import { NO_JSON, readPage } from "../read/read-page.js";

const PAGE_EVENTS = 1_024;

/**
 * Says of an index that could not be built which event it failed at. The server does not say so, so events are read up to it.
 *
 * @returns the error to throw
 */
export async function damageOf(
  error: unknown,
  connection: PostgresConnection,
  names: StoreNames,
  location: string,
): Promise<unknown> {
  if (!(error instanceof DatabaseError && error.code === NO_JSON)) return error;
  try {
    const context = { names, location, indexes: [], marks: await StoreHistory.begin(connection, names) };
    for (let after: number | null = 0; after !== null; ) {
      const query = { streamId: ALL_STREAM, after, limit: PAGE_EVENTS, direction: "forward" } as const;
      ({ next: after } = await readPage(connection, context, query));
    }
  } catch (damage) {
    return damage instanceof StorageError ? unindexableEvent(damage, location, "create: false", error) : damage;
  }
  return error;
}
