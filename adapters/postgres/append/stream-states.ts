import { type AppendRequest, DELETED_EVENT_TYPE, type EventPlace, type PlacedEvent } from "../../../protocols/index.js";
import type { StreamState } from "../../../src/adapter-kit/decide-append.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { EVENT_COLUMNS, type EventRow, placedEventOf } from "../read/event-row.js";
import { bytesArray, plainArray, textOfHex } from "../sql-text.js";

/** What appends are decided on, of one state of the store. */
export interface StreamStates {
  /** The last position. */
  readonly position: number;
  stateOf(streamId: string): StreamStateWithHead;
}

/** A stream, with the position of its last event. */
export interface StreamStateWithHead extends StreamState {
  readonly head: number;
}

interface Row extends Omit<EventRow, "type" | "id"> {
  /** Which stream it is of, from 1; null for the row of the store. */
  readonly stream: number | null;
  /** Null for the place of an event that was removed, and in the row of the store. */
  readonly type: string | null;
  /** Null in the rows of heads. */
  readonly id: string | null;
}

/** Reads the heads of streams, and the events that are stored under the keys of appends to them, by one statement. */
export async function readStreamStates(
  connection: PostgresConnection,
  names: StoreNames,
  requests: readonly AppendRequest[],
): Promise<StreamStates> {
  const streamIds = [...new Set(requests.map(({ streamId }) => streamId))];
  const numbers = new Map(streamIds.map((streamId, index) => [streamId, index + 1]));
  const keys = keysOf(requests);
  const { rows } = await connection.query<Row>({
    name: "es_states",
    text: statesSQL(names),
    values: [
      bytesArray(streamIds),
      plainArray(keys.map(({ streamId }) => numbers.get(streamId) as number)),
      bytesArray(keys.map(({ key }) => key)),
    ],
  });
  return statesOf(rows, streamIds);
}

function statesOf(rows: readonly Row[], streamIds: readonly string[]): StreamStates {
  const states = new Map(streamIds.map((streamId) => [streamId, new ReadState()]));
  let position = 0;
  for (const row of rows) {
    if (row.stream === null) {
      position = row.position;
      continue;
    }
    const streamId = streamIds[row.stream - 1] as string;
    const state = states.get(streamId) as ReadState;
    if (row.id === null) {
      state.version = row.version;
      state.head = row.position;
      state.isDeleted = textOfHex(row.type as string) === DELETED_EVENT_TYPE;
    } else {
      state.keys.set(textOfHex(row.id), keyedEventOf(row, streamId));
    }
  }
  return { position, stateOf: (streamId) => states.get(streamId) ?? new ReadState() };
}

/** An event by its key; of one that was removed only the place. */
function keyedEventOf(row: Row, streamId: string): PlacedEvent | EventPlace {
  if (row.type !== null) return placedEventOf(row as EventRow, streamId);
  return { streamId, version: row.version, position: row.position };
}

class ReadState implements StreamStateWithHead {
  version = 0;
  head = 0;
  isDeleted = false;
  readonly keys = new Map<string, PlacedEvent | EventPlace>();

  findByKey(key: string): PlacedEvent | EventPlace | undefined {
    return this.keys.get(key);
  }
}

function statesSQL({ prefix }: StoreNames): string {
  const noContent = "NULL::boolean, NULL::text, NULL::bytea, NULL::text";
  return `
    WITH wanted AS MATERIALIZED (
      SELECT u.number::int AS stream, s.id FROM unnest($1::bytea[]) WITH ORDINALITY AS u(name, number)
      JOIN ${prefix}es_streams s ON s.hash = sha256(u.name)
    )
    SELECT NULL::int AS stream, coalesce(max(position), 0) AS position, NULL::bigint AS version, ${namedNoEvent()}
    FROM ${prefix}es_events
    UNION ALL
    SELECT w.stream, l.position, l.version, NULL, l.type, NULL, ${noContent} FROM wanted w
    JOIN LATERAL (SELECT position, version, type FROM ${prefix}es_events e WHERE e.stream = w.id ORDER BY version DESC LIMIT 1) l ON true
    UNION ALL
    SELECT w.stream, ${EVENT_COLUMNS}
    FROM unnest($2::int[], $3::bytea[]) AS k(stream, key) JOIN wanted w ON w.stream = k.stream
    JOIN ${prefix}es_events e ON e.stream = w.id AND e.key = sha256(k.key) AND e.key IS NOT NULL
    UNION ALL
    SELECT w.stream, x.position, x.version, NULL, NULL, x.id, ${noContent}
    FROM unnest($2::int[], $3::bytea[]) AS k(stream, key) JOIN wanted w ON w.stream = k.stream
    JOIN ${prefix}es_keys x ON x.stream = w.id AND sha256(x.id) = sha256(k.key)`;
}

function namedNoEvent(): string {
  return `NULL::bigint AS timestamp, NULL::bytea AS type, NULL::bytea AS id, NULL::boolean AS keyed, NULL::text AS data,
           NULL::bytea AS bytes, NULL::text AS metadata`;
}

function keysOf(requests: readonly AppendRequest[]): readonly { readonly streamId: string; readonly key: string }[] {
  return requests.flatMap(({ streamId, events }) =>
    events.flatMap(({ idempotencyKey }) => (idempotencyKey === null ? [] : [{ streamId, key: idempotencyKey }])),
  );
}
