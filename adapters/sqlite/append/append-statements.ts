import type { AppendRequest } from "../../../protocols/index.js";
import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { formatUuid } from "../read/event-page.js";
import { type LastEvent, NO_EVENT, type StreamHead } from "./stream-heads.js";

/** The counter of positions. */
export const LAST_POSITION = "(SELECT seq FROM sqlite_sequence WHERE name = 'es_events')";

/** The last position that was ever given. */
export async function readLastPosition(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ seq: number | null }>(`SELECT ${LAST_POSITION} AS seq`);
  return row?.seq ?? 0;
}

// ?1 stream ids, ?2 event types. What is found is told by its index in them: a name may have any character in it.
export const READ_NUMBERS = `
  SELECT ${LAST_POSITION} AS position,
  (SELECT json_array(timestamp, CASE typeof(id) WHEN 'text' THEN id ELSE json_array(hex(id)) END)
   FROM es_events WHERE position = ${LAST_POSITION}) AS last,
  (SELECT json_group_array(json_array(wanted.key, s.id, coalesce(e.version, 0), coalesce(e.position, 0)))
   FROM json_each(?1) AS wanted
   JOIN es_streams AS s ON s.name = wanted.value
   LEFT JOIN es_events AS e ON e.stream = s.id
     AND e.version = (SELECT version FROM es_events WHERE stream = s.id ORDER BY version DESC LIMIT 1)) AS heads,
  (SELECT json_group_array(json_array(wanted.key, t.id))
   FROM json_each(?2) AS wanted JOIN es_types AS t ON t.name = wanted.value) AS types`;

interface NumbersRow {
  readonly position: number | null;
  readonly last: string | null;
  readonly heads: string;
  readonly types: string;
}

/** The last event, and the numbers of those streams and types that have one. */
export async function readNumbers(
  connection: SQLiteConnection,
  streamIds: readonly string[],
  types: readonly string[],
): Promise<{ last: LastEvent; heads: Map<string, StreamHead>; types: Map<string, number> }> {
  const rows = await connection.all<NumbersRow>(READ_NUMBERS, [JSON.stringify(streamIds), JSON.stringify(types)]);
  const [row] = rows as [NumbersRow];
  const heads = (JSON.parse(row.heads) as [number, number, number, number][]).map(
    ([index, id, version, position]) => [streamIds[index] as string, { id, version, position }] as const,
  );
  const numbers = (JSON.parse(row.types) as [number, number][]).map(
    ([index, id]) => [types[index] as string, id] as const,
  );
  return { last: lastEventOf(row), heads: new Map(heads), types: new Map(numbers) };
}

function lastEventOf({ position, last }: NumbersRow): LastEvent {
  if (position === null) return NO_EVENT;
  if (last === null) return { ...NO_EVENT, position };
  const [timestampMs, id] = JSON.parse(last) as [number, string | [string]];
  return { position, timestampMs, id: typeof id === "string" ? id : formatUuid(id[0]) };
}

export const INSERT_STREAMS = "INSERT INTO es_streams (name) SELECT value FROM json_each(?1) RETURNING name, id";

/** Gives streams their numbers. */
export async function insertStreams(
  connection: SQLiteConnection,
  streamIds: readonly string[],
): Promise<Map<string, StreamHead>> {
  const rows = await connection.all<NumberedName>(INSERT_STREAMS, [JSON.stringify(streamIds)]);
  return new Map(rows.map(({ name, id }) => [name, { id, version: 0, position: 0 }]));
}

interface NumberedName {
  readonly name: string;
  readonly id: number;
}

export const INSERT_TYPES = "INSERT INTO es_types (name) SELECT value FROM json_each(?1) RETURNING name, id";

/** Gives event types their numbers. */
export async function insertTypes(
  connection: SQLiteConnection,
  types: readonly string[],
): Promise<Map<string, number>> {
  const rows = await connection.all<NumberedName>(INSERT_TYPES, [JSON.stringify(types)]);
  return new Map(rows.map(({ name, id }) => [name, id]));
}

const READ_KEYS = `
  SELECT e.stream, e.id, e.version, e.position, e.timestamp, t.name AS type, e.data, e.metadata
  FROM json_each(?1) AS wanted
  JOIN es_events AS e ON e.stream = wanted.value ->> 0 AND e.id = wanted.value ->> 1 AND typeof(e.id) = 'text'
  JOIN es_types AS t ON t.id = e.type`;

interface KeyRow {
  readonly stream: number;
  readonly id: string;
  readonly version: number;
  readonly position: number;
  readonly timestamp: number;
  readonly type: string;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
}

/** How many keys one statement looks for. */
const MAX_STATEMENT_KEYS = 4_096;

/** Which of the requests' idempotency keys are stored already, by stream. */
export async function readKeys(
  connection: SQLiteConnection,
  requests: readonly AppendRequest[],
  heads: ReadonlyMap<string, StreamHead>,
): Promise<Map<number, Map<string, PlacedEvent>>> {
  const wanted: [number, string][] = [];
  const streamIds = new Map<number, string>();
  for (const { streamId, events } of requests) {
    const head = heads.get(streamId);
    if (head === undefined) continue;
    streamIds.set(head.id, streamId);
    for (const { idempotencyKey } of events) if (idempotencyKey !== null) wanted.push([head.id, idempotencyKey]);
  }
  const stored = new Map<number, Map<string, PlacedEvent>>();
  for (let start = 0; start < wanted.length; start += MAX_STATEMENT_KEYS) {
    const chunk = JSON.stringify(wanted.slice(start, start + MAX_STATEMENT_KEYS));
    for (const row of await connection.all<KeyRow>(READ_KEYS, [chunk])) {
      const { stream, id, version, position, timestamp: timestampMs, type, data, metadata } = row;
      const keys = stored.get(stream) ?? new Map<string, PlacedEvent>();
      stored.set(stream, keys);
      const event = { id, idempotencyKey: id, type, data, metadata };
      const streamId = streamIds.get(stream) as string;
      keys.set(id, { event, streamId, version, position, timestampMs });
    }
  }
  return stored;
}
