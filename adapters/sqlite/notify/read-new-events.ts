import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import { MAX_WATCH_BUFFER_EVENTS } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { formatUuid } from "../read/event-page.js";

/** Behind so much content no further event is read. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;

interface EventRow {
  readonly position: number;
  readonly version: number;
  readonly timestamp: number;
  /** The stream's id, the type, and the key, which is null where the id is a UUID that was made at the write. */
  readonly names: string;
  readonly uuid: string;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
}

// Sizes are added up before any content is read.
const READ_NEW = `
  SELECT e.position, e.version, e.timestamp, hex(e.id) AS uuid, e.data, e.metadata,
         json_array(s.name, t.name, CASE typeof(e.id) WHEN 'text' THEN e.id END) AS names
  FROM (
    SELECT position, sum(bytes) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - bytes AS bytesBefore
    FROM (
      SELECT position, octet_length(data) + coalesce(octet_length(metadata), 0) AS bytes
      FROM es_events WHERE position > ?1 ORDER BY position LIMIT ${MAX_WATCH_BUFFER_EVENTS}
    )
  ) AS new
  CROSS JOIN es_events AS e ON e.position = new.position
  CROSS JOIN es_streams AS s ON s.id = e.stream
  CROSS JOIN es_types AS t ON t.id = e.type
  WHERE new.bytesBefore < ${MAX_CONTENT_BYTES}
  ORDER BY e.position`;

/** Reads the first events behind a position, as many as watchers can be handed at once. */
export async function readNewEvents(connection: SQLiteConnection, after: number): Promise<PlacedEvent[]> {
  return (await connection.all<EventRow>(READ_NEW, [after])).map(placedEventOf);
}

function placedEventOf(row: EventRow): PlacedEvent {
  const { version, position, timestamp: timestampMs, names, uuid, data, metadata } = row;
  const [streamId, type, key] = JSON.parse(names) as [string, string, string | null];
  const event = { id: key ?? formatUuid(uuid), idempotencyKey: key, type, data, metadata };
  return { event, streamId, version, position, timestampMs };
}
