import { type AppendRequest, DELETED_EVENT_TYPE, type EventPlace, type PlacedEvent } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { formatUuid } from "../read/event-page.js";
import { type LastEvent, NO_EVENT, newStream, type StreamHead } from "./remembered-store.js";

/** The counter of positions. */
export const LAST_POSITION = "(SELECT seq FROM sqlite_sequence WHERE name = 'es_events')";

/** Identifies the event at the last position: its time and its id, a UUID as digits in a list. */
const LAST_EVENT = `(
  SELECT json_array(timestamp, CASE typeof(id) WHEN 'text' THEN id ELSE json_array(hex(id)) END)
  FROM es_events WHERE position = ${LAST_POSITION})`;

/** The last position that was ever given. */
export async function readLastPosition(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ seq: number | null }>(`SELECT ${LAST_POSITION} AS seq`);
  return row?.seq ?? 0;
}

/** The number of the type that tombstones have, null where no stream is deleted. */
export const DELETED_TYPE = `(SELECT id FROM es_types WHERE name = '${DELETED_EVENT_TYPE}')`;

// ?1 stream ids, ?2 event types. A result names what was found by its index, because a name may contain any character.
export const READ_NUMBERS = `
  SELECT ${LAST_POSITION} AS position, ${LAST_EVENT} AS last,
  (SELECT coalesce(max(id), 0) + 1 FROM es_streams) AS nextStream,
  (SELECT coalesce(max(id), 0) + 1 FROM es_types) AS nextType,
  (SELECT json_group_array(json_array(wanted.key, s.id, coalesce(e.version, 0), coalesce(e.position, 0),
                                      e.type = ${DELETED_TYPE}, s.first))
   FROM json_each(?1) AS wanted
   JOIN es_streams AS s ON s.name = wanted.value
   LEFT JOIN es_events AS e ON e.stream = s.id
     AND e.version = (SELECT version FROM es_events WHERE stream = s.id ORDER BY version DESC LIMIT 1)) AS heads,
  (SELECT json_group_array(json_array(wanted.key, t.id))
   FROM json_each(?2) AS wanted JOIN es_types AS t ON t.name = wanted.value) AS types`;

// A foreign key that is checked at the commit would fail the neighbours of the transaction that violates it.
const READ_BEGINNING = `
  SELECT ${LAST_POSITION} AS position, ${LAST_EVENT} AS last,
  EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%DEFERRED%') AS hasDeferredKeys`;

/** What a transaction has to know before its first member. */
export interface Beginning {
  /** The last event of the store. */
  readonly last: LastEvent;
  /** Whether a table may have foreign keys that are checked at the commit. */
  readonly hasDeferredKeys: boolean;
}

export async function readBeginning(connection: SQLiteConnection): Promise<Beginning> {
  const rows = await connection.all<Pick<NumbersRow, "position" | "last"> & { hasDeferredKeys: number }>(
    READ_BEGINNING,
  );
  const [row] = rows as [(typeof rows)[number]];
  return { last: lastEventOf(row), hasDeferredKeys: row.hasDeferredKeys === 1 };
}

interface NumbersRow {
  readonly position: number | null;
  readonly last: string | null;
  readonly nextStream: number;
  readonly nextType: number;
  readonly heads: string;
  readonly types: string;
}

type PackedHead = readonly [
  index: number,
  id: number,
  version: number,
  position: number,
  isDeleted: 0 | 1 | null,
  first: number,
];

/** The state that is read from the store before a group is planned on it. */
export interface ReadNumbers {
  readonly last: LastEvent;
  /** Whether the counter of positions is there; a damaged store may have lost it. */
  readonly hasCounter: boolean;
  /** The numbers that the next new names get. */
  readonly nextStream: number;
  readonly nextType: number;
  readonly heads: ReadonlyMap<string, StreamHead>;
  readonly types: ReadonlyMap<string, number>;
}

/** The last event, and the numbers of those streams and types that have one. */
export async function readNumbers(
  connection: SQLiteConnection,
  streamIds: readonly string[],
  types: readonly string[],
): Promise<ReadNumbers> {
  const rows = await connection.all<NumbersRow>(READ_NUMBERS, [JSON.stringify(streamIds), JSON.stringify(types)]);
  const [row] = rows as [NumbersRow];
  const heads = (JSON.parse(row.heads) as PackedHead[]).map(([index, ...head]) => {
    const [id, version, position, isDeleted, first] = head;
    return [
      streamIds[index] as string,
      { id, version, position, isDeleted: isDeleted === 1, isPruned: first > 1 },
    ] as const;
  });
  const numbers = (JSON.parse(row.types) as [number, number][]).map(
    ([index, id]) => [types[index] as string, id] as const,
  );
  const { nextStream, nextType } = row;
  const hasCounter = row.position !== null;
  return { last: lastEventOf(row), hasCounter, nextStream, nextType, heads: new Map(heads), types: new Map(numbers) };
}

function lastEventOf({ position, last }: Pick<NumbersRow, "position" | "last">): LastEvent {
  if (position === null) return NO_EVENT;
  if (last === null) return { ...NO_EVENT, position };
  const [timestampMs, id] = JSON.parse(last) as [number, string | [string]];
  return { position, timestampMs, id: typeof id === "string" ? id : formatUuid(id[0]) };
}

const INSERT_STREAMS =
  "INSERT INTO es_streams (name) SELECT value FROM json_each(?1) RETURNING json_quote(name) AS name, id";

/** Gives streams their numbers. */
export async function insertStreams(
  connection: SQLiteConnection,
  streamIds: readonly string[],
): Promise<Map<string, StreamHead>> {
  const rows = await connection.all<NumberedName>(INSERT_STREAMS, [JSON.stringify(streamIds)]);
  return new Map(rows.map(({ name, id }) => [JSON.parse(name) as string, newStream(id)]));
}

interface NumberedName {
  /** As JSON. */
  readonly name: string;
  readonly id: number;
}

const INSERT_TYPES =
  "INSERT INTO es_types (name) SELECT value FROM json_each(?1) RETURNING json_quote(name) AS name, id";

/** Gives event types their numbers. */
export async function insertTypes(
  connection: SQLiteConnection,
  types: readonly string[],
): Promise<Map<string, number>> {
  const rows = await connection.all<NumberedName>(INSERT_TYPES, [JSON.stringify(types)]);
  return new Map(rows.map(({ name, id }) => [JSON.parse(name) as string, id]));
}

// ?1 pairs of a stream's number and a key. The first row tells the last event, so that it is of the same state of the
// store as the keys; each other row is an event that has one, told by the index of its pair.
const READ_KEYS = `
  SELECT NULL AS pair, NULL AS version, ${LAST_POSITION} AS position, NULL AS timestamp, NULL AS type,
         ${LAST_EVENT} AS data, NULL AS metadata
  UNION ALL
  SELECT pair.key, e.version, e.position, e.timestamp, json_quote(t.name), e.data, e.metadata
  FROM json_each(?1) AS pair
  JOIN es_events AS e ON e.stream = pair.value ->> 0 AND e.id = pair.value ->> 1 AND typeof(e.id) = 'text'
  JOIN es_types AS t ON t.id = e.type`;

// The keys of removed events too, of which nothing is left but their places.
const READ_KEYS_OF_PRUNED = `${READ_KEYS}
  UNION ALL
  SELECT pair.key, k.version, k.position, NULL, NULL, NULL, NULL
  FROM json_each(?1) AS pair JOIN es_keys AS k ON k.stream = pair.value ->> 0 AND k.key = pair.value ->> 1`;

interface KeyRow {
  readonly pair: number;
  readonly version: number;
  readonly position: number;
  readonly timestamp: number;
  /** As JSON; null where the event was removed. */
  readonly type: string | null;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
}

/** How many keys one statement looks for. */
const MAX_STATEMENT_KEYS = 4_096;

/** A key of a request, and the stream that it is for. */
interface WantedKey {
  readonly stream: number;
  readonly streamId: string;
  readonly key: string;
  readonly isPruned: boolean;
}

/** Which idempotency keys of a group are stored, by stream id. */
export interface StoredKeys {
  /** The last event of the store at each statement that read them. */
  readonly lastEvents: readonly LastEvent[];
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, PlacedEvent | EventPlace>>;
}

/** Reads which of the requests' keys are stored, of the streams that have a head. */
export async function readKeys(
  connection: SQLiteConnection,
  requests: readonly AppendRequest[],
  heads: ReadonlyMap<string, StreamHead>,
): Promise<StoredKeys> {
  const wanted = wantedKeys(requests, heads);
  const sql = wanted.some(({ isPruned }) => isPruned) ? READ_KEYS_OF_PRUNED : READ_KEYS;
  const keys = new Map<string, Map<string, PlacedEvent | EventPlace>>();
  const lastEvents: LastEvent[] = [];
  let start = 0;
  do {
    const chunk = wanted.slice(start, start + MAX_STATEMENT_KEYS);
    const pairs = JSON.stringify(chunk.map(({ stream, key }) => [stream, key]));
    const [end, ...rows] = (await connection.all<KeyRow>(sql, [pairs])) as [KeyRow, ...KeyRow[]];
    lastEvents.push(lastEventOf({ position: end.position, last: end.data as string | null }));
    for (const row of rows) addKey(keys, chunk[row.pair] as WantedKey, row);
    start += MAX_STATEMENT_KEYS;
  } while (start < wanted.length);
  return { lastEvents, keys };
}

/** Whether any event has an idempotency key. */
export function hasKeys(requests: readonly AppendRequest[]): boolean {
  return requests.some(({ events }) => events.some(({ idempotencyKey }) => idempotencyKey !== null));
}

function wantedKeys(requests: readonly AppendRequest[], heads: ReadonlyMap<string, StreamHead>): WantedKey[] {
  const wanted: WantedKey[] = [];
  for (const { streamId, events } of requests) {
    const head = heads.get(streamId);
    if (head === undefined) continue;
    const { id: stream, isPruned } = head;
    for (const { idempotencyKey: key } of events) if (key !== null) wanted.push({ stream, streamId, key, isPruned });
  }
  return wanted;
}

function addKey(
  keys: Map<string, Map<string, PlacedEvent | EventPlace>>,
  { streamId, key }: WantedKey,
  row: KeyRow,
): void {
  const { version, position, timestamp: timestampMs, type, data, metadata } = row;
  const ofStream = keys.get(streamId) ?? new Map<string, PlacedEvent | EventPlace>();
  keys.set(streamId, ofStream);
  if (type === null) {
    ofStream.set(key, { streamId, version, position });
    return;
  }
  const event = { id: key, idempotencyKey: key, type: JSON.parse(type) as string, data, metadata };
  ofStream.set(key, { event, streamId, version, position, timestampMs });
}
