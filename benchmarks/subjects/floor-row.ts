import { randomUUID } from "node:crypto";
import type { BenchEvent } from "../bench-event.js";

/** A row of the floors' table of events. */
export interface FloorRow {
  readonly position: number;
  readonly version: number;
  readonly timestamp: number;
  readonly type: string;
  readonly data: string;
  readonly metadata: string | null;
  readonly id: string;
}

/** The values of INSERT_EVENT. */
export function rowOf(stream: number, version: number, event: BenchEvent): (string | number | null)[] {
  const { type, data, metadata, idempotencyKey } = event;
  return [
    stream,
    version,
    Date.now(),
    type,
    JSON.stringify(data),
    metadata === undefined ? null : JSON.stringify(metadata),
    idempotencyKey ?? randomUUID(),
    idempotencyKey === undefined ? 0 : 1,
  ];
}

/** The event of a row, as the library would hand it out. */
export function parseRow(row: FloorRow, streamId: string): unknown {
  return {
    id: row.id,
    streamId,
    version: row.version,
    position: row.position,
    timestamp: new Date(row.timestamp),
    type: row.type,
    data: JSON.parse(row.data),
    metadata: row.metadata === null ? null : JSON.parse(row.metadata),
  };
}
