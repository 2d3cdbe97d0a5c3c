import type { AppendRequest } from "../../../protocols/index.js";
import type { StreamState } from "../../../src/adapter-kit/decide-append.js";
import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { EVENT_COLUMNS, type EventRow, placedEventOf } from "../read/event-row.js";
import { bytesArray, plainArray } from "../sql-text.js";

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

interface Row extends EventRow {
  /** Which stream it is of, from 1; null for the row of the store. */
  readonly stream: number | null;
  /** Null in the rows of heads. */
  readonly id: string;
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
    } else {
      const placed = placedEventOf(row, streamId);
      state.keys.set(placed.event.id, placed);
    }
  }
  return { position, stateOf: (streamId) => states.get(streamId) ?? new ReadState() };
}

class ReadState implements StreamStateWithHead {
  version = 0;
  head = 0;
  readonly keys = new Map<string, PlacedEvent>();

  findByKey(key: string): PlacedEvent | undefined {
    return this.keys.get(key);
  }
}

function statesSQL({ prefix }: StoreNames): string {
  const noEvent = "NULL::bigint, NULL::bytea, NULL::bytea, NULL::boolean, NULL::text, NULL::bytea, NULL::text";
  return `
    WITH wanted AS MATERIALIZED (
      SELECT u.number::int AS stream, s.id FROM unnest($1::bytea[]) WITH ORDINALITY AS u(name, number)
      JOIN ${prefix}es_streams s ON s.hash = sha256(u.name)
    )
    SELECT NULL::int AS stream, coalesce(max(position), 0) AS position, NULL::bigint AS version, ${namedNoEvent()}
    FROM ${prefix}es_events
    UNION ALL
    SELECT w.stream, l.position, l.version, ${noEvent} FROM wanted w
    JOIN LATERAL (SELECT position, version FROM ${prefix}es_events e WHERE e.stream = w.id ORDER BY version DESC LIMIT 1) l ON true
    UNION ALL
    SELECT w.stream, ${EVENT_COLUMNS}
    FROM unnest($2::int[], $3::bytea[]) AS k(stream, key) JOIN wanted w ON w.stream = k.stream
    JOIN ${prefix}es_events e ON e.stream = w.id AND e.key = sha256(k.key) AND e.key IS NOT NULL`;
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
