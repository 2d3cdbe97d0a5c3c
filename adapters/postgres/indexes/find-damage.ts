import { findUnindexableEvent } from "../../../src/adapter-kit/find-unindexable-event.js";
import { DatabaseError, type PostgresConnection } from "../client/client.js";
import { StoreHistory } from "../history/store-history.js";
import type { StoreNames } from "../open/schema.js";
import { NO_JSON, readPage } from "../read/read-page.js";

/** Says of an index that could not be built which event it failed at. @returns the error to throw */
export async function damageOf(
  error: unknown,
  connection: PostgresConnection,
  names: StoreNames,
  location: string,
): Promise<unknown> {
  if (!(error instanceof DatabaseError && error.code === NO_JSON)) return error;
  const context = { names, location, indexes: [], marks: await StoreHistory.begin(connection, names) };
  return findUnindexableEvent(error, (query) => readPage(connection, context, query), location, "create: false");
}
