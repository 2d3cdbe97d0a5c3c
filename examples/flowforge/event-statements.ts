import type { Event } from "./ports.js";

export const INSERT_EVENT = `
  INSERT INTO events (
    id, aggregate_type, aggregate_id, event_type, event_version, seq, tx_id, caused_by_event_id, payload_json,
    metadata_json, created_at
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The values of {@link INSERT_EVENT}. */
export function eventValues(event: Event): (string | number | null)[] {
  return [
    event.id,
    event.aggregateType,
    event.aggregateId,
    event.eventType,
    event.eventVersion,
    event.seq,
    event.txId,
    event.causedByEventId,
    JSON.stringify(event.payload),
    event.metadata === null ? null : JSON.stringify(event.metadata),
    event.createdAt,
  ];
}

/** Keeps the snapshot of the later event. */
export const SAVE_SNAPSHOT = `
  INSERT INTO snapshots (id, aggregate_type, aggregate_id, last_seq, state_json, created_at) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (aggregate_id) DO UPDATE
  SET last_seq = excluded.last_seq, state_json = excluded.state_json, created_at = excluded.created_at
  WHERE excluded.last_seq >= snapshots.last_seq`;
