import {
  ALL_STREAM,
  type EventPage,
  type PlacedEvent,
  type ReadQuery,
  type StorageError,
  type StoredEvent,
} from "../../../protocols/index.js";
import { damagedEvent } from "../../../src/adapter-kit/damaged-event.js";
import { decodeEvent } from "../../../src/adapter-kit/decode-event.js";
import { type ClientStatement, DatabaseError, type PostgresConnection } from "../client/client.js";
import { markSQL } from "../history/store-mark.js";
import type { StoreNames } from "../open/schema.js";
import { bytesOf, textOfHex } from "../sql-text.js";
import { EVENT_COLUMNS, type EventRow, placedEventOf } from "./event-row.js";
import { type FilterSQL, filterSQL, type ReadContext } from "./filter-sql.js";
import { firstOf, headOf, readHead, streamNumber } from "./stream-figures.js";

/** How many places one page looks through for events that match a filter, so that no statement runs for long. */
const MAX_SCANNED_PLACES = 16_384;

/** Behind so much content a page ends. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;

interface PageRow extends EventRow {
  readonly head: number;
  /** The first version that the stream still has; null for a stream without events, absent for the whole store. */
  readonly first?: number | null;
  /** In the first row: see `markSQL`. */
  readonly mark: string | null;
  readonly name: string | null;
  readonly size: number;
}

/**
 * Reads a page and the head by one statement, and so of one state of the store. A page ends before an event whose content is
 * not JSON, so that everything up to it can be read.
 *
 * @throws StorageError `STORAGE_CORRUPT` when the page would begin with it
 */
export function readPage(connection: PostgresConnection, context: ReadContext, query: ReadQuery): Promise<EventPage> {
  return readUpToDamage(query, (asked) => readWholePage(connection, context, asked));
}

/** The same in an open transaction, which a statement that fails would end. */
export function readPageInTransaction(
  connection: PostgresConnection,
  context: ReadContext,
  query: ReadQuery,
): Promise<EventPage> {
  return readUpToDamage(query, async (asked) => {
    if (!looksIntoContent(asked)) return readWholePage(connection, context, asked);
    await connection.script("SAVEPOINT es_read");
    try {
      return await readWholePage(connection, context, asked);
    } finally {
      // A read has changed nothing that it would undo.
      if (connection.isOpen) await connection.script("ROLLBACK TO SAVEPOINT es_read; RELEASE SAVEPOINT es_read");
    }
  });
}

function looksIntoContent({ filter }: ReadQuery): boolean {
  return filter?.some(({ field }) => field === "data" || field === "metadata") === true;
}

/** The server fails a page that it meets damage on, wherever that is. Then the core applies the filter. */
async function readUpToDamage(query: ReadQuery, read: (query: ReadQuery) => Promise<EventPage>): Promise<EventPage> {
  try {
    return await read(query);
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === NO_JSON && looksIntoContent(query))) throw error;
    return read({ ...query, filter: undefined });
  }
}

/** What the server says of a text that is not JSON. */
export const NO_JSON = "22P02";

async function readWholePage(
  connection: PostgresConnection,
  context: ReadContext,
  query: ReadQuery,
): Promise<EventPage> {
  const { after, upTo = Number.MAX_SAFE_INTEGER, limit, filter } = query;
  const isForward = query.direction === "forward";
  const { names, marks } = context;
  const condition =
    filter === undefined
      ? NO_FILTER
      : filterSQL(filter, context, { firstParameter: 5, isOfStream: query.streamId !== ALL_STREAM });
  const [low, high] =
    filter === undefined || condition.isLookup
      ? [after, upTo]
      : scanned(query, upTo, await readHead(connection, context, query.streamId));
  const { rows } = await connection.query<PageRow>(pageStatement(names, query, condition, [low, high]));
  await marks.take(rows[0]?.mark, connection);
  const { head, first } = rows[0] as PageRow;
  const found = rows.filter(({ position }) => position !== null);
  const contentBytes = found.reduce((sum, { size }) => sum + size, 0);
  const events = decodedUpToDamage(found, query, context.location);
  return { events, next: nextPlace(), head, first: first ?? undefined, contentBytes, epoch: marks.epoch };

  function nextPlace(): number | null {
    const last = found[events.length - 1];
    const isFull = found.length === limit || contentBytes >= MAX_CONTENT_BYTES || events.length < found.length;
    const isCut = last !== undefined && isFull;
    const lastPlace = query.streamId === ALL_STREAM ? last?.position : last?.version;
    if (isForward) {
      const place = isCut ? (lastPlace as number) : high;
      return place < Math.min(upTo, head) ? place : null;
    }
    const place = isCut ? (lastPlace as number) - 1 : low;
    return place > after ? place : null;
  }
}

/** Where a filtered page looks: behind `after` or below `upTo`, but not at everything there is. */
function scanned({ direction, after }: ReadQuery, upTo: number, head: number): [number, number] {
  if (direction === "forward") return [after, Math.min(upTo, after + MAX_SCANNED_PLACES)];
  const high = Math.min(upTo, head);
  return [Math.max(after, high - MAX_SCANNED_PLACES), high];
}

function decodedUpToDamage(rows: readonly PageRow[], query: ReadQuery, location: string): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  for (const row of rows) {
    try {
      events.push(decoded(row, query.streamId));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (events.length > 0) return events;
      throw damaged(row, query, location, error);
    }
  }
  return events;
}

function damaged(
  { name, version, position }: PageRow,
  query: ReadQuery,
  location: string,
  cause: SyntaxError,
): StorageError {
  const streamId = name === null ? query.streamId : textOfHex(name);
  return damagedEvent({ streamId, version, position }, query, location, cause);
}

function decoded(row: PageRow, streamId: string) {
  const placed = placedEventOf(row, row.name === null ? streamId : textOfHex(row.name));
  return decodeEvent(placed.event, placed);
}

function pageStatement(
  names: StoreNames,
  query: ReadQuery,
  { sql: condition, values }: Pick<FilterSQL, "sql" | "values">,
  [low, high]: readonly [number, number],
): ClientStatement {
  const { streamId, direction, limit, filter } = query;
  const isAll = streamId === ALL_STREAM;
  const text = pageSQL(names, { isAll, direction, condition });
  const bound = [isAll ? "" : bytesOf(streamId), low, high, limit, ...values];
  return filter === undefined
    ? { name: `es_page_${isAll ? "all" : "stream"}_${direction}`, text, values: bound }
    : { text, values: bound };
}

const NO_FILTER: FilterSQL = { sql: "", values: [], isLookup: false };

interface PageKind {
  readonly isAll: boolean;
  readonly direction: ReadQuery["direction"];
  readonly condition: string;
}

// The head comes with each row, and alone where there is no event; the mark only with the first. Sizes are added up before any large content is fetched
// from where the server keeps it.
function pageSQL(names: StoreNames, { isAll, direction, condition }: PageKind): string {
  const { prefix } = names;
  const place = isAll ? "e.position" : "e.version";
  const order = `${place} ${direction === "forward" ? "ASC" : "DESC"}`;
  const first = isAll ? "" : `, ${firstOf(names)} AS first`;
  const needsName = isAll || condition.includes("s.name");
  const streams = needsName ? `JOIN ${prefix}es_streams s ON s.id = e.stream` : "";
  return `
    SELECT CASE WHEN coalesce(e.before, 0) = 0 THEN m.mark END AS mark, h.*, e.*
    FROM (${markSQL(names, isAll)}) m CROSS JOIN (SELECT coalesce(${headOf(names, isAll)}, 0) AS head${first}) h LEFT JOIN LATERAL (
      SELECT * FROM (
        SELECT *, sum(size) OVER (ORDER BY ${place} ${direction === "forward" ? "ASC" : "DESC"} ROWS UNBOUNDED PRECEDING) - size AS before
        FROM (
          SELECT ${EVENT_COLUMNS}, ${isAll ? "s.name" : "NULL::bytea AS name"},
                 (coalesce(octet_length(e.data), octet_length(e.bytes), 0) + coalesce(octet_length(e.metadata), 0))::bigint AS size
          FROM ${prefix}es_events e ${streams}
          WHERE ${isAll ? "$1::text IS NOT NULL" : `e.stream = ${streamNumber(names)}`}
            AND ${place} > $2::bigint AND ${place} <= $3::bigint${condition}
          ORDER BY ${order} LIMIT $4::bigint
        ) e
      ) e WHERE before < ${MAX_CONTENT_BYTES}
    ) e ON true`;
}

/** Reads the first events behind a position, as many as watchers can be handed at once, and the last position. */
export async function readNewEvents(
  connection: PostgresConnection,
  { names, marks }: ReadContext,
  after: number,
  limit: number,
): Promise<{ readonly events: readonly PlacedEvent[]; readonly head: number }> {
  const query: ReadQuery = { streamId: ALL_STREAM, after, limit, direction: "forward" };
  const { rows } = await connection.query<PageRow>(
    pageStatement(names, query, NO_FILTER, [after, Number.MAX_SAFE_INTEGER]),
  );
  await marks.take(rows[0]?.mark, connection);
  const found = rows.filter(({ name }) => name !== null);
  const events = found.map((row) => placedEventOf(row, textOfHex(row.name as string)));
  return { events, head: (rows[0] as PageRow).head };
}
