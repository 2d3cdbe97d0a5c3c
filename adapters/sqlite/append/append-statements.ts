import type { AppendRequest } from "../../../protocols/index.js";
import type { StoredKey } from "../../../src/decide-append.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES } from "../event-codec.js";
import type { PlacedEvent } from "../notify/commit-feed.js";
import { SCHEMA_VERSION } from "../open/schema.js";
import { encodeRows, MADE_ID, type RowNumbers, statementChunks } from "./event-rows.js";
import type { StreamHead } from "./stream-heads.js";

// ?1 rows as JSON, ?2 the last position that the rows were planned on, ?3 milliseconds since 1970.
// Nothing is inserted when the store has another last position: somebody else has appended since.
// jsonb_each hands each row on in SQLite's binary form, so that no text is parsed more than once.
const INSERT_EVENTS = `
  INSERT INTO events (position, stream, version, timestamp, schema, codec, type, id, data, metadata, checksum)
  SELECT ?2 + 1 + key, value ->> 0, value ->> 1, ?3, ${SCHEMA_VERSION}, (value ->> 2) & 3, value ->> 3,
         CASE WHEN (value ->> 2) & ${MADE_ID} THEN unhex(value ->> 4) ELSE value ->> 4 END,
         CASE WHEN (value ->> 2) & ${CODEC_BYTES} THEN unhex(value ->> 5) ELSE value -> 5 END,
         value ->> 6, value ->> 7
  FROM jsonb_each(?1)
  WHERE (SELECT seq FROM sqlite_sequence WHERE name = 'events') = ?2`;

/**
 * Inserts events at the places that they were planned for, if the store is still as it was planned on. The rows of one
 * statement are made while the one before it runs.
 *
 * @returns whether they were inserted; only the first statement of a transaction can find the store changed
 */
export async function insertEvents(
  connection: SQLiteConnection,
  events: readonly PlacedEvent[],
  numbers: RowNumbers,
): Promise<boolean> {
  let running = Promise.resolve(true);
  for (const chunk of statementChunks(events)) {
    const rows = encodeRows(chunk, numbers);
    if (!(await running)) return false;
    running = insertRows(connection, chunk, rows);
  }
  return running;
}

async function insertRows(
  connection: SQLiteConnection,
  events: readonly PlacedEvent[],
  rows: string,
): Promise<boolean> {
  const { position, timestampMs } = events[0] as PlacedEvent;
  const { changes } = await connection.run(INSERT_EVENTS, [rows, position - 1, timestampMs]);
  return changes === events.length;
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

/** The numbers of event types; those that have none get one. */
export async function numberTypes(
  connection: SQLiteConnection,
  types: readonly string[],
): Promise<Map<string, number>> {
  const names = JSON.stringify(types);
  await connection.run("INSERT OR IGNORE INTO types (name) SELECT value FROM json_each(?1)", [names]);
  const sql = "SELECT name, id FROM types WHERE name IN (SELECT value FROM json_each(?1))";
  const rows = await connection.all<{ name: string; id: number }>(sql, [names]);
  return new Map(rows.map(({ name, id }) => [name, id]));
}

const READ_KEYS = `
  SELECT e.stream, e.id, e.version, e.position, t.name AS type, e.data, e.metadata
  FROM json_each(?1) AS wanted
  JOIN events AS e ON e.stream = wanted.value ->> 0 AND e.id = wanted.value ->> 1 AND typeof(e.id) = 'text'
  JOIN types AS t ON t.id = e.type`;

/** How many keys one statement looks for. */
const MAX_STATEMENT_KEYS = 4_096;

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
  for (let start = 0; start < wanted.length; start += MAX_STATEMENT_KEYS) {
    const chunk = JSON.stringify(wanted.slice(start, start + MAX_STATEMENT_KEYS));
    for (const row of await connection.all<StoredKey & { stream: number; id: string }>(READ_KEYS, [chunk])) {
      const keys = stored.get(row.stream) ?? new Map<string, StoredKey>();
      stored.set(row.stream, keys);
      keys.set(row.id, row);
    }
  }
  return stored;
}
