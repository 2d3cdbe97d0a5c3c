import { ALL_STREAM, type EventPage, type ReadQuery, type StoredEvent } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteValue } from "../drivers/driver.js";
import type { FieldIndex } from "../indexes/field-index.js";
import { damageAt, outOfOrder } from "./damaged-page.js";
import { decodePage, unpackPage } from "./event-page.js";
import { filterCondition } from "./filter-sql.js";
import { type PageRow, readIndexedRow, type ScannedRow } from "./indexed-page.js";
import { PACKED_PAGE, packedEvent } from "./packed-event.js";
import { ALL_HEAD, head, STREAM, STREAM_FIRST, STREAM_HEAD } from "./stream-figures.js";

/** How many places one page looks through for events that match a filter, so that no statement runs for long. */
const MAX_SCANNED_PLACES = 16_384;

/**
 * Reads a page with one statement: SQLite packs the rows into one JSON text, which is parsed once. That is about twice
 * as fast as rows whose values cross into JavaScript one by one.
 *
 * A page ends before damage, so that everything up to it can be read: content that is not the JSON that was written, a type or
 * a stream that is not there, or a version that a stream lacks.
 *
 * @param indexes - the indexes of fields that the store may have
 * @param location - the store, for messages
 * @throws StorageError `STORAGE_CORRUPT` when the page would begin with it
 */
export async function readPage(
  connection: SQLiteConnection,
  query: ReadQuery,
  indexes: readonly FieldIndex[] = [],
  location?: string,
): Promise<EventPage> {
  try {
    return await readWholePage(connection, query, indexes, location);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return readUpToDamage(connection, query, location);
  }
}

async function readWholePage(
  connection: SQLiteConnection,
  query: ReadQuery,
  indexes: readonly FieldIndex[],
  location: string | undefined,
): Promise<EventPage> {
  const { after, upTo = Number.MAX_SAFE_INTEGER, limit } = query;
  const isForward = query.direction === "forward";
  const indexed = query.filter === undefined ? null : await readIndexedRow(connection, query, indexes);
  const { row, low, high } = indexed ?? (await readRow(connection, query));
  const { head: storeHead, first, packed: packedCount, page } = row;
  const packed = unpackPage(page, packedCount, query.streamId);
  const decoding = decodePage(connection, packed, query.streamId);
  const { events, isComplete, fetchedBytes } = decoding instanceof Promise ? await decoding : decoding;
  if (lacksVersions(events, query, row)) throw new SyntaxError("the stream lacks a version");
  const next = nextPlace();
  const contentBytes = (page?.length ?? 0) + fetchedBytes;
  return { events, next, head: storeHead, first: first ?? undefined, contentBytes };

  function nextPlace(): number | null {
    const last = events.at(-1);
    const isCut = !isComplete || packed.length === limit;
    const end = Math.min(upTo, storeHead);
    if (isForward) {
      const place = isCut && last !== undefined ? placeOf(last, query.streamId) : high;
      if (place <= after && place < end) throw outOfOrder(query.streamId, location);
      return place < end ? place : null;
    }
    const place = isCut && last !== undefined ? placeOf(last, query.streamId) - 1 : low;
    if (place >= upTo && place > after) throw outOfOrder(query.streamId, location);
    return place > after ? place : null;
  }
}

/** Whether a page of a stream skips versions. A stream has all of them, from its first one on. */
function lacksVersions(
  events: readonly StoredEvent[],
  { streamId, filter, direction, after, upTo = Number.MAX_SAFE_INTEGER }: ReadQuery,
  { head: streamHead, first }: Pick<PageRow, "head" | "first">,
): boolean {
  const [begin, end] = [events[0], events.at(-1)];
  if (streamId === ALL_STREAM || filter !== undefined || begin === undefined || end === undefined) return false;
  if (Math.abs(end.version - begin.version) + 1 !== events.length) return true;
  if (direction === "forward") return begin.version > Math.max(after + 1, first ?? 1);
  return begin.version < Math.min(upTo, streamHead);
}

/** Reads a page by looking through the events, or through the index of a stream's keys. */
async function readRow(connection: SQLiteConnection, query: ReadQuery): Promise<ScannedRow> {
  const { streamId, after, upTo = Number.MAX_SAFE_INTEGER, limit } = query;
  const { sql, values, isScan } = pageStatement(query);
  const [low, high] = isScan ? scanned(query, after, upTo, await head(connection, query)) : [after, upTo];
  const [row] = await connection.all<PageRow>(sql, [streamId, low, high, limit, ...values]);
  return { row: row as PageRow, low, high };
}

/**
 * Reads what comes before an event whose content is not JSON, by smaller and smaller pages. SQLite does not look into
 * the content meanwhile: the core applies the filter.
 */
async function readUpToDamage(
  connection: SQLiteConnection,
  query: ReadQuery,
  location: string | undefined,
): Promise<EventPage> {
  const unfiltered: ReadQuery = { ...query, filter: undefined };
  for (let limit = query.limit; limit >= 1; limit = Math.floor(limit / 2)) {
    try {
      return await readWholePage(connection, { ...unfiltered, limit }, [], location);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  throw await damageAt(connection, unfiltered, location);
}

/** JavaScript did not take a page, or SQLite the content of an event that a filter looks into, or a name that is no text. */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    (error instanceof Error && /malformed JSON|JSON cannot hold BLOB values/.test(error.message))
  );
}

/** Where a filtered page looks: behind `after` or below `upTo`, but not at everything there is. */
function scanned(query: ReadQuery, after: number, upTo: number, storeHead: number): [number, number] {
  if (query.direction === "forward") return [after, Math.min(upTo, after + MAX_SCANNED_PLACES)];
  const high = Math.min(upTo, storeHead);
  return [Math.max(after, high - MAX_SCANNED_PLACES), high];
}

interface PageStatement {
  readonly sql: string;
  readonly values: readonly SQLiteValue[];
  /** Whether SQLite looks through events that are not returned. */
  readonly isScan: boolean;
}

function pageStatement({ streamId, direction, filter }: ReadQuery): PageStatement {
  const source = streamId === ALL_STREAM ? "all" : "stream";
  if (filter === undefined) return UNFILTERED[source][direction];
  const { sql: condition, values, isKeyLookup } = filterCondition(filter, 5);
  const isLookup = isKeyLookup && source === "stream";
  const index = isLookup ? "INDEXED BY es_events_by_key" : "";
  return { sql: pageSQL(source, direction, { condition, index }), values, isScan: !isLookup };
}

interface FilterSQL {
  readonly condition: string;
  /** Which index finds the events, where SQLite is not to choose. */
  readonly index: string;
}

const NO_FILTER: FilterSQL = { condition: "", index: "" };

function pageSQL(
  source: "all" | "stream",
  direction: ReadQuery["direction"],
  { condition, index }: FilterSQL = NO_FILTER,
): string {
  const isAll = source === "all";
  // An event whose type or stream is not there has to be seen. Where there is a condition, SQLite would choose another order of
  // the tables for a LEFT JOIN.
  const join = condition === "" ? "LEFT" : "CROSS";
  const streams = isAll || condition !== "" ? `${join} JOIN es_streams AS s ON s.id = e.stream` : "";
  const place = isAll ? "e.position" : "e.version";
  // On @all the first parameter has no use, and is named so that the numbers stay the same. A parameter that is the whole
  // LIMIT is part of SQLite's plan: it would compile the statement again each time another value is bound.
  return `
    SELECT coalesce(${isAll ? ALL_HEAD : STREAM_HEAD}, 0) AS head,
      ${isAll ? "NULL" : STREAM_FIRST} AS first, count(*) AS packed, ${PACKED_PAGE} AS page
    FROM (
      SELECT ${packedEvent(isAll ? "json_quote(s.name)" : "0")} AS content
      FROM es_events AS e ${index} ${join} JOIN es_types AS t ON t.id = e.type ${streams}
      WHERE ${isAll ? "?1 IS NOT NULL" : `e.stream = ${STREAM}`} AND ${place} > ?2 AND ${place} <= ?3${condition}
      ORDER BY ${place} ${direction === "forward" ? "ASC" : "DESC"}
      LIMIT ?4 + 0
    )`;
}

const UNFILTERED = {
  all: unfiltered("all"),
  stream: unfiltered("stream"),
};

function unfiltered(source: "all" | "stream"): Record<ReadQuery["direction"], PageStatement> {
  return {
    forward: { sql: pageSQL(source, "forward"), values: [], isScan: false },
    backward: { sql: pageSQL(source, "backward"), values: [], isScan: false },
  };
}

function placeOf(event: StoredEvent, streamId: string): number {
  return streamId === ALL_STREAM ? event.position : event.version;
}
