import { ALL_STREAM, type ReadQuery, StorageError } from "../../../protocols/index.js";
import { beyondDamage, damagedEvent } from "../../../src/adapter-kit/damaged-event.js";
import { inStore } from "../../../src/validate/in-call.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** The event that a page would begin with, as far as it is known. */
interface FoundEvent {
  readonly version: number;
  readonly position: number;
  readonly streamId: string | null;
  readonly hasType: 0 | 1;
  /** The first version that its stream still has. */
  readonly first: number | null;
  /** The last version of the stream that is read. */
  readonly head: number;
}

/** Says what is wrong with the event that a page would begin with, or before it. */
export async function damageAt(
  connection: SQLiteConnection,
  query: ReadQuery,
  location: string | undefined,
): Promise<StorageError> {
  const event = await findEvent(connection, query);
  if (event === undefined) return outOfOrder(query.streamId, location);
  const missing = missingVersions(event, query);
  if (missing !== null) return lackOfVersions(query, missing, location);
  return damagedEvent({ ...event, reason: whatIsMissing(event) }, query, location);
}

/** What the row of an event refers to and is not there. */
function whatIsMissing({ streamId, hasType }: FoundEvent): string | undefined {
  if (streamId === null) return "the stream that it belongs to is not there";
  return hasType === 0 ? "its type is not there" : undefined;
}

/** A reader would ask for the same page again and again. */
export function outOfOrder(streamId: string, location: string | undefined): StorageError {
  const message = `Cannot read stream "${streamId}"${inStore(location)}: its events are not in order. The database is damaged; verify() tells where.`;
  return new StorageError("STORAGE_CORRUPT", message);
}

async function findEvent(connection: SQLiteConnection, query: ReadQuery): Promise<FoundEvent | undefined> {
  const { streamId, after, upTo = Number.MAX_SAFE_INTEGER, direction } = query;
  const isAll = streamId === ALL_STREAM;
  const place = isAll ? "e.position" : "e.version";
  const sql = `
    SELECT CASE typeof(s.name) WHEN 'text' THEN s.name END AS streamId, e.version, e.position,
      typeof(t.name) = 'text' AS hasType, s.first,
      (SELECT max(version) FROM es_events WHERE stream = s.id) AS head
    FROM es_events AS e LEFT JOIN es_streams AS s ON s.id = e.stream LEFT JOIN es_types AS t ON t.id = e.type
    WHERE ${isAll ? "?1 IS NOT NULL" : "s.name = ?1"} AND ${place} > ?2 AND ${place} <= ?3
    ORDER BY ${place} ${direction === "forward" ? "ASC" : "DESC"} LIMIT 1`;
  const [event] = await connection.all<FoundEvent>(sql, [streamId, after, upTo]);
  return event;
}

/** The versions that a stream lacks before the event, in the direction of the query: the lowest and the highest. */
function missingVersions({ version, first, head }: FoundEvent, query: ReadQuery): [number, number] | null {
  const { streamId, direction, after, upTo = Number.MAX_SAFE_INTEGER } = query;
  if (streamId === ALL_STREAM) return null;
  const [low, high] =
    direction === "forward" ? [Math.max(after + 1, first ?? 1), version - 1] : [version + 1, Math.min(upTo, head)];
  return low <= high ? [low, high] : null;
}

function lackOfVersions(
  { streamId, direction }: ReadQuery,
  [low, high]: [number, number],
  location: string | undefined,
): StorageError {
  const versions = low === high ? `version ${low}` : `versions ${low} to ${high}`;
  const place = direction === "forward" ? high : low;
  const message = `Cannot read ${versions} of stream "${streamId}"${inStore(location)}: not there. ${beyondDamage(direction, place)}`;
  return new StorageError("STORAGE_CORRUPT", message);
}
