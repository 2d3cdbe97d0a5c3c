import type { AppendRequest } from "../../protocols/index.js";
import type { StoredKey } from "../../src/decide-append.js";
import type { PlacedEvent } from "./commit-feed.js";
import type { SQLiteConnection } from "./driver.js";
import { SCHEMA_VERSION } from "./schema.js";
import type { StreamHead } from "./stream-heads.js";

/** How many events, and about how many characters, one INSERT carries. */
export const MAX_STATEMENT_EVENTS = 4_096;
export const MAX_STATEMENT_CHARACTERS = 8 * 1024 * 1024;

const CODEC_JSON = 0;
const CODEC_BYTES = 1;
/** Added to the codec of an event whose id was made by us: 16 bytes instead of a text of 36. */
const MADE_ID = 2;

// ?1 rows as JSON, ?2 the last position that the rows were planned on, ?3 milliseconds since 1970.
// Nothing is inserted when the store has another last position: somebody else has appended since.
const INSERT_EVENTS = `
  INSERT INTO events (position, stream, version, timestamp, schema, codec, type, id, data, metadata)
  SELECT ?2 + 1 + key, value ->> 0, value ->> 1, ?3, ${SCHEMA_VERSION}, (value ->> 2) & 1, value ->> 3,
         CASE WHEN (value ->> 2) & ${MADE_ID} THEN unhex(value ->> 4) ELSE value ->> 4 END,
         CASE WHEN (value ->> 2) & ${CODEC_BYTES} THEN unhex(value ->> 5) ELSE value ->> 5 END,
         value ->> 6
  FROM json_each(?1)
  WHERE (SELECT seq FROM sqlite_sequence WHERE name = 'events') = ?2`;

/**
 * Inserts events at the places that they were planned for, if the store is still as it was planned on.
 *
 * @returns whether they were inserted
 */
export async function insertEvents(
  connection: SQLiteConnection,
  events: readonly PlacedEvent[],
  streamIds: ReadonlyMap<string, Pick<StreamHead, "id">>,
): Promise<boolean> {
  const first = events[0] as PlacedEvent;
  const rows = events.map(({ event, place }) => {
    const isText = typeof event.data === "string";
    const kind = (isText ? CODEC_JSON : CODEC_BYTES) + (event.idempotencyKey === null ? MADE_ID : 0);
    const id = event.idempotencyKey ?? event.id.replaceAll("-", "");
    const data = isText ? event.data : Buffer.from(event.data as Uint8Array).toString("hex");
    return JSON.stringify([
      streamIds.get(place.streamId)?.id,
      place.version,
      kind,
      event.type,
      id,
      data,
      event.metadata,
    ]);
  });
  const parameters = [`[${rows.join(",")}]`, first.place.position - 1, first.place.timestampMs];
  const { changes } = await connection.run(INSERT_EVENTS, parameters);
  return changes === events.length;
}

/** Splits events into what one statement carries each. */
export function* statementChunks(events: readonly PlacedEvent[]): Generator<readonly PlacedEvent[]> {
  let start = 0;
  let characters = 0;
  for (let index = 0; index < events.length; index += 1) {
    characters += eventCharacters((events[index] as PlacedEvent).event);
    if (index + 1 - start < MAX_STATEMENT_EVENTS && characters < MAX_STATEMENT_CHARACTERS) continue;
    yield events.slice(start, index + 1);
    start = index + 1;
    characters = 0;
  }
  if (start < events.length) yield events.slice(start);
}

export function eventCharacters({ data, metadata }: PlacedEvent["event"]): number {
  return data.length + (metadata?.length ?? 0);
}

/** The last position that was ever given. */
export async function readLastPosition(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
  return row?.seq ?? 0;
}

const READ_HEADS = `
  SELECT s.name AS streamId, s.id AS id, coalesce(e.version, 0) AS version, coalesce(e.position, 0) AS position
  FROM json_each(?1) AS wanted
  JOIN streams AS s ON s.name = wanted.value
  LEFT JOIN events AS e ON e.stream = s.id
    AND e.version = (SELECT version FROM events WHERE stream = s.id ORDER BY version DESC LIMIT 1)`;

/** The heads of those streams that have a row. */
export async function readHeads(
  connection: SQLiteConnection,
  streamIds: Iterable<string>,
): Promise<Map<string, StreamHead>> {
  const rows = await connection.all<StreamHead & { streamId: string }>(READ_HEADS, [JSON.stringify([...streamIds])]);
  return new Map(rows.map(({ streamId, ...head }) => [streamId, head]));
}

/** Gives streams their numbers. */
export async function insertStreams(connection: SQLiteConnection, streamIds: readonly string[]): Promise<void> {
  await connection.run("INSERT INTO streams (name) SELECT value FROM json_each(?1)", [JSON.stringify(streamIds)]);
}

const READ_KEYS = `
  SELECT e.stream, e.id, e.version, e.position, e.type, e.data, e.metadata
  FROM json_each(?1) AS wanted
  JOIN events AS e ON e.stream = wanted.value ->> 0 AND e.id = wanted.value ->> 1 AND typeof(e.id) = 'text'`;

/** Which of the requests' idempotency keys are stored already, by stream. */
export async function readKeys(
  connection: SQLiteConnection,
  requests: readonly AppendRequest[],
  heads: ReadonlyMap<string, StreamHead>,
): Promise<Map<number, Map<string, StoredKey>>> {
  const wanted: [number, string][] = [];
  for (const { streamId, events } of requests) {
    const head = heads.get(streamId);
    if (head === undefined) continue;
    for (const { idempotencyKey } of events) if (idempotencyKey !== null) wanted.push([head.id, idempotencyKey]);
  }
  const stored = new Map<number, Map<string, StoredKey>>();
  for (let start = 0; start < wanted.length; start += MAX_STATEMENT_EVENTS) {
    const chunk = JSON.stringify(wanted.slice(start, start + MAX_STATEMENT_EVENTS));
    for (const row of await connection.all<StoredKey & { stream: number; id: string }>(READ_KEYS, [chunk])) {
      const keys = stored.get(row.stream) ?? new Map<string, StoredKey>();
      stored.set(row.stream, keys);
      keys.set(row.id, row);
    }
  }
  return stored;
}
