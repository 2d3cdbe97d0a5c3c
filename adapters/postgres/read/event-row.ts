import type { PlacedEvent } from "../../../protocols/index.js";
import { textOfHex } from "../sql-text.js";

/** The columns of an event, of the tables es_events (e) and es_streams (s). */
export const EVENT_COLUMNS =
  "e.position, e.version, e.timestamp, e.type, e.id, e.key IS NOT NULL AS keyed, e.data, e.bytes, e.metadata";

/** An event as the server gives it. */
export interface EventRow {
  readonly position: number;
  readonly version: number;
  readonly timestamp: number;
  readonly type: string;
  readonly id: string;
  readonly keyed: string;
  readonly data: string | null;
  readonly bytes: string | null;
  readonly metadata: string | null;
}

/** How many event types are decoded once. Beyond that all are forgotten. */
const MAX_DECODED_TYPES = 10_000;

const decodedTypes = new Map<string, string>();

export function placedEventOf(row: EventRow, streamId: string): PlacedEvent {
  const id = textOfHex(row.id);
  const data = row.data ?? bytesOfHex(row.bytes);
  return {
    event: { id, idempotencyKey: row.keyed === "t" ? id : null, type: typeOf(row.type), data, metadata: row.metadata },
    streamId,
    version: row.version,
    position: row.position,
    timestampMs: row.timestamp,
  };
}

/** What has lost its content is a text that is no JSON, and not what its checksum was made of. */
function bytesOfHex(hex: string | null): Uint8Array | string {
  return hex === null ? "" : new Uint8Array(Buffer.from(hex.slice(2), "hex"));
}

// A store has few types, and each event has one.
function typeOf(hex: string): string {
  const known = decodedTypes.get(hex);
  if (known !== undefined) return known;
  if (decodedTypes.size >= MAX_DECODED_TYPES) decodedTypes.clear();
  const type = textOfHex(hex);
  decodedTypes.set(hex, type);
  return type;
}
