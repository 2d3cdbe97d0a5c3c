import type { PlacedEvent } from "../../../protocols/index.js";
import { eventChecksum } from "../checksum.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { formatUuid } from "../read/event-page.js";

/** How much one page of rows has. */
export interface PageLimits {
  readonly events: number;
  /** Behind so many bytes no further event is read. */
  readonly bytes: number;
}

// Sizes are added up before any content is read.
const PAGE_END = `
  SELECT max(position) AS place FROM (
    SELECT position, sum(octet_length(data)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING)
                       - octet_length(data) AS bytesBefore
    FROM es_events WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3 + 0
  ) WHERE bytesBefore < ?4`;

/** The position of the last event of a page. */
export async function pageEnd(
  connection: SQLiteConnection,
  after: number,
  upTo: number,
  { events, bytes }: PageLimits,
): Promise<number> {
  const [row] = await connection.all<{ place: number | null }>(PAGE_END, [after, upTo, events, bytes]);
  const place = row?.place ?? upTo;
  // In a damaged table what comes next may be what came before: then only this far is looked at.
  return place > after ? place : after + 1;
}

/** An event with everything that is stored of it. */
export interface EventRow {
  readonly position: number;
  readonly version: number;
  readonly timestamp: number;
  readonly schema: number;
  readonly codec: number;
  /** The stream's id, the type and the key, as far as there are any. */
  readonly names: string;
  readonly uuid: string | null;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
  /** Null in what was written without. */
  readonly checksum: number | null;
}

const SELECT_ROWS = `
  SELECT e.position, e.version, e.timestamp, e.schema, e.codec,
         json_array(s.name, t.name, CASE typeof(e.id) WHEN 'text' THEN e.id END) AS names,
         CASE typeof(e.id) WHEN 'blob' THEN hex(e.id) END AS uuid,
         e.data, e.metadata, e.checksum
  FROM es_events AS e LEFT JOIN es_streams AS s ON s.id = e.stream LEFT JOIN es_types AS t ON t.id = e.type
  WHERE e.position > ?1 AND e.position <= ?2
  ORDER BY e.position`;

export function selectRows(connection: SQLiteConnection, after: number, upTo: number): Promise<EventRow[]> {
  return connection.all<EventRow>(SELECT_ROWS, [after, upTo]);
}

/** The names of an event, null where its row refers to one that is not there, or is no text. */
export interface EventNames {
  readonly streamId: string | null;
  readonly type: string | null;
  readonly key: string | null;
}

export function namesOf(row: EventRow): EventNames {
  const [streamId, type, key] = JSON.parse(row.names) as [unknown, unknown, string | null];
  return { streamId: textOf(streamId), type: textOf(type), key };
}

/** A damaged name may be a number. */
function textOf(name: unknown): string | null {
  return typeof name === "string" ? name : null;
}

/** The event of a row, whose names are known. */
export function placedEventOf(row: EventRow, { streamId, type, key }: EventNames): PlacedEvent {
  const { uuid, version, position, timestamp: timestampMs, metadata } = row;
  const data = typeof row.data === "string" ? row.data : new Uint8Array(row.data);
  const event = { id: key ?? formatUuid(uuid ?? ""), idempotencyKey: key, type: type ?? "", data, metadata };
  return { event, streamId: streamId ?? "", version, position, timestampMs };
}

/** Whether a row is what its checksum was made of, where it has one. */
export function isSound({ checksum, codec, schema }: EventRow, placed: PlacedEvent): boolean {
  return checksum === null || eventChecksum(placed, codec, schema) === checksum;
}
