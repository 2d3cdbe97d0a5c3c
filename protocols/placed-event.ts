import type { EventPlace } from "./errors.js";
import type { NewEvent } from "./event.js";

/** Where and when an event was stored, or is about to be. */
export interface StoredPlace extends EventPlace {
  /** In milliseconds since 1970. */
  readonly timestampMs: number;
}

/** An event as an adapter keeps it, with its place: what is decided on, stored, read back and published. */
export interface PlacedEvent extends StoredPlace {
  /** What was written. */
  readonly event: NewEvent;
}
