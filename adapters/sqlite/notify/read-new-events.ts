import type { PlacedEvent } from "../../../protocols/index.js";
import { MAX_WATCH_BUFFER_EVENTS } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES } from "../event-codec.js";
import { formatUuid } from "../read/event-page.js";

/** Behind so much content no further event is read. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;

/** An event as SQLite packs it: all of them are one JSON text, since values that cross one by one take twice the time. */
type PackedEvent = readonly [
  position: number,
  version: number,
  timestampMs: number,
  codec: number,
  streamId: string,
  type: string,
  /** A key, or in a list the hexadecimal digits of a UUID. */
  id: string | readonly [string],
  /** JSON text, or the hexadecimal digits of bytes. */
  data: string,
  metadata: string | null,
];

// Sizes are added up before any content is read.
const READ_NEW = `
  SELECT json_group_array(json_array(e.position, e.version, e.timestamp, e.codec, s.name, t.name,
           CASE typeof(e.id) WHEN 'text' THEN e.id ELSE json_array(hex(e.id)) END,
           CASE e.codec & ${CODEC_BYTES} WHEN 0 THEN e.data ELSE hex(e.data) END, e.metadata) ORDER BY e.position) AS packed
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
  WHERE new.bytesBefore < ${MAX_CONTENT_BYTES}`;

/** Reads the first events behind a position, as many as watchers can be handed at once. */
export async function readNewEvents(connection: SQLiteConnection, after: number): Promise<PlacedEvent[]> {
  const [row] = await connection.all<{ packed: string }>(READ_NEW, [after]);
  return (JSON.parse((row as { packed: string }).packed) as PackedEvent[]).map(placedEventOf);
}

function placedEventOf(packed: PackedEvent): PlacedEvent {
  const [position, version, timestampMs, codec, streamId, type, idOrUuid, content, metadata] = packed;
  const idempotencyKey = typeof idOrUuid === "string" ? idOrUuid : null;
  const id = typeof idOrUuid === "string" ? idOrUuid : formatUuid(idOrUuid[0]);
  const data = (codec & CODEC_BYTES) === 0 ? content : new Uint8Array(Buffer.from(content, "hex"));
  return { event: { id, idempotencyKey, type, data, metadata }, streamId, version, position, timestampMs };
}
