import type { JsonObject, NewEvent, StoredEvent, StoredPlace } from "../../protocols/index.js";

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
    data: typeof event.data === "string" ? JSON.parse(event.data) : new Uint8Array(event.data),
    metadata: event.metadata === null ? null : (JSON.parse(event.metadata) as JsonObject),
  };
}
