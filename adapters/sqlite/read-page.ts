import { ALL_STREAM, type EventPage, type ReadQuery, type StoredEvent } from "../../protocols/index.js";
import type { SQLiteConnection, SQLiteValue } from "./driver.js";
import { decodePage, INLINE_BYTES, type PackedEvent } from "./event-page.js";
import { filterCondition } from "./filter-sql.js";

/** How many places one page looks through for events that match a filter, so that no statement runs for long. */
const MAX_SCANNED_PLACES = 16_384;

/**
 * Reads a page with one statement: SQLite packs the rows into one JSON text, which is parsed once. That is about twice
 * as fast as rows whose values cross into JavaScript one by one.
 */
export async function readPage(connection: SQLiteConnection, query: ReadQuery): Promise<EventPage> {
  const { after, upTo = Number.MAX_SAFE_INTEGER, limit } = query;
  const isForward = query.direction === "forward";
  const [low, high] =
    query.filter === undefined ? [after, upTo] : scanned(query, after, upTo, await head(connection, query));
  const { sql, values } = pageStatement(query);
  const [row] = await connection.all<{ head: number; page: string }>(sql, [
    query.streamId,
    low,
    high,
    limit,
    ...values,
  ]);
  const { head: storeHead, page } = row as { head: number; page: string };
  const packed = JSON.parse(page) as PackedEvent[];
  const { events, isComplete } = await decodePage(connection, packed);
  const next = nextPlace();
  return { events, next, head: storeHead };

  function nextPlace(): number | null {
    const last = events.at(-1);
    const isCut = !isComplete || packed.length === limit;
    const end = Math.min(upTo, storeHead);
    if (isForward) {
      const place = isCut && last !== undefined ? placeOf(last, query.streamId) : high;
      return place < end ? place : null;
    }
    const place = isCut && last !== undefined ? placeOf(last, query.streamId) - 1 : low;
    return place > after ? place : null;
  }
}

/** Where a filtered page looks: behind `after` or below `upTo`, but not at everything there is. */
function scanned(query: ReadQuery, after: number, upTo: number, storeHead: number): [number, number] {
  if (query.direction === "forward") return [after, Math.min(upTo, after + MAX_SCANNED_PLACES)];
  const high = Math.min(upTo, storeHead);
  return [Math.max(after, high - MAX_SCANNED_PLACES), high];
}

const STREAM = "(SELECT id FROM streams WHERE name = ?1)";
const STREAM_HEAD = `(SELECT version FROM events WHERE stream = ${STREAM} ORDER BY version DESC LIMIT 1)`;
const ALL_HEAD = "(SELECT max(position) FROM events)";

/** The last place of a stream, 0 without one. */
export async function head(connection: SQLiteConnection, { streamId }: Pick<ReadQuery, "streamId">): Promise<number> {
  const isAll = streamId === ALL_STREAM;
  const sql = `SELECT coalesce(${isAll ? ALL_HEAD : STREAM_HEAD}, 0) AS head`;
  const [row] = await connection.all<{ head: number }>(sql, isAll ? [] : [streamId]);
  return (row as { head: number }).head;
}

function pageStatement({ streamId, direction, filter = [] }: ReadQuery): {
  sql: string;
  values: readonly SQLiteValue[];
} {
  const isAll = streamId === ALL_STREAM;
  const place = isAll ? "e.position" : "e.version";
  // On @all the first parameter has no use, and is named so that the numbers stay the same.
  const source = isAll ? "?1 IS NOT NULL" : `e.stream = ${STREAM}`;
  const condition = filterCondition(filter, 5);
  const sql = `
    SELECT coalesce(${isAll ? ALL_HEAD : STREAM_HEAD}, 0) AS head,
           '[' || coalesce(group_concat(packed, ','), '') || ']' AS page
    FROM (
      SELECT ${PACKED} AS packed
      FROM events AS e JOIN streams AS s ON s.id = e.stream
      WHERE ${source} AND ${place} > ?2 AND ${place} <= ?3${condition.sql}
      ORDER BY ${place} ${direction === "forward" ? "ASC" : "DESC"}
      LIMIT ?4
    )`;
  return { sql, values: condition.values };
}

// The order of the elements is that of PackedEvent.
const SIZE = "octet_length(e.data) + coalesce(octet_length(e.metadata), 0)";
const PACKED = `
  '[' || e.version || ',' || e.position || ',' || e.timestamp || ',' || e.codec || ',' || json_quote(s.name) || ','
      || json_quote(e.type) || ',' || CASE typeof(e.id) WHEN 'text' THEN json_quote(e.id) ELSE '["' || hex(e.id) || '"]' END
      || CASE WHEN ${SIZE} > ${INLINE_BYTES} THEN ',' || (${SIZE})
              WHEN e.codec = 0 THEN ',' || e.data || ',' || coalesce(e.metadata, 'null')
              ELSE ',"' || hex(e.data) || '",' || coalesce(e.metadata, 'null') END
      || ']'`;

function placeOf(event: StoredEvent, streamId: string): number {
  return streamId === ALL_STREAM ? event.position : event.version;
}
