import type { CopiedEvent } from "../../../protocols/index.js";
import { uncopiedEvent } from "../../../src/adapter-kit/damaged-event.js";
import { eventChecksum } from "../checksum.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES } from "../event-codec.js";
import { formatUuid } from "../read/event-page.js";

/** An event as SQLite packs it: all of a page are one JSON text, since values that cross one by one take twice the time. */
type PackedEvent = readonly [
  position: number,
  version: number,
  timestampMs: number,
  schema: number,
  codec: number,
  /** Null where the row refers to a name that is not there. A damaged name may be a number. */
  streamId: string | number | null,
  type: string | number | null,
  /** A key, or in a list the hexadecimal digits of a UUID. */
  id: string | readonly [string],
  /** JSON text, or the hexadecimal digits of bytes. Null where the row has lost it. */
  data: string | null,
  metadata: string | null,
  /** Null in what was written without. */
  checksum: number | null,
];

const READ = `
  SELECT json_group_array(json_array(e.position, e.version, e.timestamp, e.schema, e.codec, s.name, t.name,
           CASE typeof(e.id) WHEN 'text' THEN e.id ELSE json_array(hex(e.id)) END,
           CASE e.codec & ${CODEC_BYTES} WHEN 0 THEN e.data ELSE hex(e.data) END, e.metadata, e.checksum)
           ORDER BY e.position) AS packed
  FROM es_events AS e LEFT JOIN es_streams AS s ON s.id = e.stream LEFT JOIN es_types AS t ON t.id = e.type
  WHERE e.position > ?1 AND e.position <= ?2`;

/**
 * Reads the events between two positions, the first exclusive.
 *
 * @throws StorageError `STORAGE_CORRUPT` when one is not what was written: a copy would get a checksum that hides the damage
 */
export async function readCopiedEvents(
  connection: SQLiteConnection,
  after: number,
  upTo: number,
  location: string,
): Promise<CopiedEvent[]> {
  const [row] = await connection.all<{ packed: string }>(READ, [after, upTo]);
  return (JSON.parse((row as { packed: string }).packed) as PackedEvent[]).map((event) => copiedEvent(event, location));
}

function copiedEvent(packed: PackedEvent, location: string): CopiedEvent {
  const [position, version, timestampMs, schema, codec, streamId, type, idOrUuid, content, metadata, checksum] = packed;
  if (typeof streamId !== "string" || typeof type !== "string" || content === null) {
    throw uncopiedEvent({ streamId: typeof streamId === "string" ? streamId : "", version, position }, location);
  }
  const idempotencyKey = typeof idOrUuid === "string" ? idOrUuid : null;
  const id = typeof idOrUuid === "string" ? idOrUuid : formatUuid(idOrUuid[0]);
  const data = (codec & CODEC_BYTES) === 0 ? content : new Uint8Array(Buffer.from(content, "hex"));
  const copied = { event: { id, idempotencyKey, type, data, metadata }, streamId, version, position, timestampMs };
  if (checksum !== null && eventChecksum(copied, codec, schema) !== checksum) throw uncopiedEvent(copied, location);
  return copied;
}
