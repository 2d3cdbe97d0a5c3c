import type { EventPlace, PlacedEvent } from "../../protocols/index.js";

/** Events by stream. Versions have no gap between the first and the last one; positions have gaps where events were removed. */
export interface EventLog {
  /** The last position that was given to an event, or skipped. */
  readonly position: number;
  /** How many events a stream has; all of them for `@all`. */
  count(streamId: string): number;
  /** How many of them are at a place or before it. */
  countUpTo(streamId: string, place: number): number;
  /** Those from one index (inclusive) to another (exclusive). */
  slice(streamId: string, from: number, to: number): readonly PlacedEvent[];
  /** The first version that a stream still has; 1 unless events were removed. */
  first(streamId: string): number;
  /** The event with a key, or the place where one that was removed was. */
  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | EventPlace | undefined;
  /** Adds events in the order of their positions. */
  add(events: readonly PlacedEvent[]): void;
}
