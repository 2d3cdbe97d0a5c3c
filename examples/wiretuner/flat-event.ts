import type { CandidateEvent, JsonObject, JsonValue, StoredEvent } from "async-streams";
import { sequenceOf } from "./document-stream.js";

/**
 * An event as the editor has it: its envelope and its own fields side by side.
 *
 * @example
 * ```ts
 * { eventId: randomUUID(), eventType: "CreatePathEvent", timestamp: Date.now(), sequenceNumber: 0, pathId: "path-1" }
 * ```
 */
export interface FlatEvent {
  readonly eventId: string;
  readonly eventType: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** The event's place in its document, from 0. */
  readonly sequenceNumber: number;
  readonly documentId?: string;
  /** `"local-user"` where there is only one. */
  readonly userId?: string;
  readonly sessionId?: string;
  /** Events of one group are undone together. */
  readonly undoGroupId?: string;
  /** The interval, in milliseconds, of an event that was sampled. */
  readonly samplingIntervalMs?: number;
  readonly [field: string]: JsonValue | undefined;
}

/** What the store keeps as metadata. The type and the sequence are its own: the type, and the place in the stream. */
const METADATA_FIELDS = new Set([
  "eventId",
  "timestamp",
  "documentId",
  "userId",
  "sessionId",
  "undoGroupId",
  "samplingIntervalMs",
]);

/** The event as it is stored: fields that are undefined are none. What cannot be stored is left for the store to refuse. */
export function toCandidate({ eventType, sequenceNumber: _, ...fields }: FlatEvent): CandidateEvent {
  const entries = Object.entries(fields).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined);
  const metadata = entries.filter(([field]) => METADATA_FIELDS.has(field));
  const data = entries.filter(([field]) => !METADATA_FIELDS.has(field));
  return { type: eventType, data: Object.fromEntries(data), metadata: Object.fromEntries(metadata) };
}

/** The event as it was given. */
export function toFlatEvent({ type, version, data, metadata }: StoredEvent): FlatEvent {
  const fields = Object.entries(metadata ?? {}).filter(([field]) => METADATA_FIELDS.has(field));
  return {
    ...(data as JsonObject),
    ...(Object.fromEntries(fields) as Pick<FlatEvent, "eventId" | "timestamp">),
    eventType: type,
    sequenceNumber: sequenceOf(version),
  };
}
