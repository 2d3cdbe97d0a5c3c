import type { AppendRequest } from "../../../protocols/index.js";
import type { StoredKey } from "../../../src/decide-append.js";
import type { RunResult, SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES } from "../event-codec.js";
import type { PlacedEvent } from "../notify/commit-feed.js";
import { SCHEMA_VERSION } from "../open/schema.js";
import { encodeRows, MADE_ID, type RowNumbers } from "./event-rows.js";
import type { StreamHead } from "./stream-heads.js";

// ?1 rows as JSON, ?2 the last position that the rows were planned on, ?3 milliseconds since 1970.
// ?4 to ?7 what all rows share: the stream, the version of the first, the kind, and the type.
// Nothing is inserted when the store has another last position: somebody else has appended since.
// jsonb_each hands each row on in SQLite's binary form, so that no text is parsed more than once.
const KIND = "coalesce(?6, value ->> 6)";
const INSERT_EVENTS = `
  INSERT INTO events (position, stream, version, timestamp, schema, codec, type, id, data, metadata, checksum)
  SELECT ?2 + 1 + key, coalesce(?4, value ->> 4), coalesce(?5 + key, value ->> 5), ?3, ${SCHEMA_VERSION}, ${KIND} & 3,
         coalesce(?7, value ->> 7),
         CASE WHEN ${KIND} & ${MADE_ID} THEN unhex(value ->> 0, '-') ELSE value ->> 0 END,
         CASE WHEN ${KIND} & ${CODEC_BYTES} THEN unhex(value ->> 1) ELSE value -> 1 END,
         value ->> 2, value ->> 3
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
  chunks: readonly (readonly PlacedEvent[])[],
  numbers: RowNumbers,
): Promise<boolean> {
  let running: Promise<RunResult> | undefined;
  let inserted = 0;
  for (const chunk of chunks) {
    const { json, stream, firstVersion, kind, type } = encodeRows(chunk, numbers);
    const { position, timestampMs } = chunk[0] as PlacedEvent;
    if (running !== undefined && (await running).changes !== inserted) return false;
    running = connection.run(INSERT_EVENTS, [json, position - 1, timestampMs, stream, firstVersion, kind, type]);
    inserted = chunk.length;
  }
  return running === undefined || (await running).changes === inserted;
}

/** The last position that was ever given. */
export async function readLastPosition(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
  return row?.seq ?? 0;
}

// ?1 stream ids, ?2 event types. What is found is told by its index in them: a name may have any character in it.
const READ_NUMBERS = `
  SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS position,
  (SELECT json_group_array(json_array(wanted.key, s.id, coalesce(e.version, 0), coalesce(e.position, 0)))
   FROM json_each(?1) AS wanted
   JOIN streams AS s ON s.name = wanted.value
   LEFT JOIN events AS e ON e.stream = s.id
     AND e.version = (SELECT version FROM events WHERE stream = s.id ORDER BY version DESC LIMIT 1)) AS heads,
  (SELECT json_group_array(json_array(wanted.key, t.id))
   FROM json_each(?2) AS wanted JOIN types AS t ON t.name = wanted.value) AS types`;

interface NumbersRow {
  readonly position: number;
  readonly heads: string;
  readonly types: string;
}

/** The last position, and the numbers of those streams and types that have one. */
export async function readNumbers(
  connection: SQLiteConnection,
  streamIds: readonly string[],
  types: readonly string[],
): Promise<{ position: number; heads: Map<string, StreamHead>; types: Map<string, number> }> {
  const rows = await connection.all<NumbersRow>(READ_NUMBERS, [JSON.stringify(streamIds), JSON.stringify(types)]);
  const [row] = rows as [NumbersRow];
  const heads = (JSON.parse(row.heads) as [number, number, number, number][]).map(
    ([index, id, version, position]) => [streamIds[index] as string, { id, version, position }] as const,
  );
  const numbers = (JSON.parse(row.types) as [number, number][]).map(
    ([index, id]) => [types[index] as string, id] as const,
  );
  return { position: row.position ?? 0, heads: new Map(heads), types: new Map(numbers) };
}

/** Gives streams their numbers. */
export async function insertStreams(
  connection: SQLiteConnection,
  streamIds: readonly string[],
): Promise<Map<string, StreamHead>> {
  const sql = "INSERT INTO streams (name) SELECT value FROM json_each(?1) RETURNING name, id";
  const rows = await connection.all<NumberedName>(sql, [JSON.stringify(streamIds)]);
  return new Map(rows.map(({ name, id }) => [name, { id, version: 0, position: 0 }]));
}

interface NumberedName {
  readonly name: string;
  readonly id: number;
}

/** Gives event types their numbers. */
export async function insertTypes(
  connection: SQLiteConnection,
  types: readonly string[],
): Promise<Map<string, number>> {
  const sql = "INSERT INTO types (name) SELECT value FROM json_each(?1) RETURNING name, id";
  const rows = await connection.all<NumberedName>(sql, [JSON.stringify(types)]);
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
