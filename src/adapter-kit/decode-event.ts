import type { JsonObject, NewEvent, StoredEvent } from "../../protocols/index.js";

/** Where and when a {@link NewEvent} was stored. */
export interface StoredPlace {
  readonly streamId: string;
  readonly version: number;
  readonly position: number;
  readonly timestampMs: number;
}

/**
 * The event that readers see, made of what was stored. Every call makes a new copy, so that no reader can change what
 * another one sees.
 *
 * @example
 * ```ts
 * declare const event: NewEvent;
 * const stored = decodeEvent(event, { streamId: "a", version: 1, position: 1, timestampMs: Date.now() });
 * ```
 */
export function decodeEvent(event: NewEvent, place: StoredPlace): StoredEvent {
  return {
    id: event.id,
    streamId: place.streamId,
    version: place.version,
    position: place.position,
    timestamp: new Date(place.timestampMs),
    type: event.type,
    data: typeof event.data === "string" ? JSON.parse(event.data) : event.data.slice(),
    metadata: event.metadata === null ? null : (JSON.parse(event.metadata) as JsonObject),
  };
}
