import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, plainArray } from "../sql-text.js";
import type { CallAnswer, CallMember, CallPart, StoredPart } from "./append-call.js";
import type { SentCall } from "./append-run.js";
import type { SeenPosition } from "./seen-position.js";
import { readStreamStates, type StreamStates } from "./stream-states.js";

/** How many of the newest events of a stream are looked at. Few others have been stored since the call was sent. */
const MAX_NEWEST_EVENTS = 1_100_000;

interface Row {
  /** The number of the part, from 0. */
  readonly part: number;
  readonly position: number;
  readonly version: number;
}

/**
 * Looks for the events of a call whose answer was lost. A call is stored as one: its first members, with neighbouring
 * positions and one timestamp, by which they are told from events of others with the same keys.
 *
 * Members without events have left no trace. Behind the last event that is found they are taken as not stored.
 *
 * @param seen - the last position that was known to be given before the call was sent
 * @throws Error when what was sent may have been stored and removed since
 */
export async function findStored(
  connection: PostgresConnection,
  names: StoreNames,
  { members, timestampMs }: SentCall,
  seen: SeenPosition,
): Promise<CallAnswer> {
  const parts = members.flatMap((member) => member.parts);
  const rows = await findFirstEvents(connection, names, parts, timestampMs);
  const sought = parts.filter(({ events }) => events.length > 0).length;
  if (rows.length < sought) await assertNothingRemoved(connection, names, seen);
  const [first] = rows;
  if (first === undefined) return { previousPosition: 0, parts: [] };
  const requests = parts.map(({ streamId }) => ({ streamId, events: [], expectedVersion: "any" as const }));
  const states = await readStreamStates(connection, names, requests);
  return { previousPosition: first.position - 1, parts: storedParts(members, rows, states) };
}

async function assertNothingRemoved(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  seen: SeenPosition,
): Promise<void> {
  const { rows } = await connection.query({
    text: `SELECT FROM ${prefix}es_counters WHERE name = 'position' AND value > $1::bigint`,
    values: [seen.value],
  });
  if (rows.length > 0) throw new Error("events were removed meanwhile, and what was sent may be among them");
}

async function findFirstEvents(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  parts: readonly CallPart[],
  timestampMs: number,
): Promise<readonly Row[]> {
  const sought = parts.flatMap(({ streamId, events: [first] }, number) =>
    first === undefined ? [] : [{ streamId, number, id: first.id }],
  );
  const { rows } = await connection.query<Row>({
    text: `
      SELECT u.part::int AS part, e.position, e.version
      FROM unnest($1::int[], $2::bytea[], $3::bytea[]) AS u(part, name, id)
      JOIN ${prefix}es_streams s ON s.hash = sha256(u.name)
      JOIN LATERAL (
        SELECT position, version FROM (
          SELECT * FROM ${prefix}es_events WHERE stream = s.id ORDER BY version DESC LIMIT ${MAX_NEWEST_EVENTS}
        ) newest WHERE newest.id = u.id AND newest.timestamp = $4::bigint ORDER BY version DESC LIMIT 1
      ) e ON true
      ORDER BY e.position`,
    values: [
      plainArray(sought.map(({ number }) => number)),
      bytesArray(sought.map(({ streamId }) => streamId)),
      bytesArray(sought.map(({ id }) => id)),
      timestampMs,
    ],
  });
  return rows;
}

function storedParts(members: readonly CallMember[], rows: readonly Row[], states: StreamStates): StoredPart[] {
  const found = new Map(rows.map((row) => [row.part, row]));
  const last = Math.max(...found.keys());
  const stored: StoredPart[] = [];
  let position = (rows[0] as Row).position;
  for (const { parts } of members) {
    // The last event is that of a member whose other parts are stored as well.
    if (stored.length > last) break;
    for (const { streamId, events } of parts) {
      const { version, head } = states.stateOf(streamId);
      const own = found.get(stored.length);
      stored.push({ version: own === undefined ? version : own.version - 1, head, firstPosition: position });
      position += events.length;
    }
  }
  return stored;
}
