import type { StoreNames } from "../open/schema.js";

/** What names a store: the epoch, which a dump has too, and the table, which is another once a dump was restored. */
export function storeIdentity(table: string): string {
  return `${table}.epoch::text || '/' || ${table}.tableoid::text`;
}

/**
 * A query of one row, with what tells the state of the store that a statement reads from any other: the identity of the
 * store, and the last event of the store, or of the stream that the first parameter names.
 */
export function markSQL({ prefix }: StoreNames, isAll: boolean): string {
  const where = isAll ? "" : `WHERE stream = (SELECT id FROM ${prefix}es_streams WHERE hash = sha256($1::bytea))`;
  return `
    SELECT concat_ws(' ', ${storeIdentity("s")}, l.position, l.version, l.stream, l.id) AS mark
    FROM ${prefix}es_store s LEFT JOIN LATERAL (
      SELECT position, version, stream, id FROM ${prefix}es_events ${where}
      ORDER BY ${isAll ? "position" : "version"} DESC LIMIT 1
    ) l ON true`;
}
