import { ALL_STREAM, type EventPlace, type PlacedEvent } from "../../protocols/index.js";
import type { EventLog } from "./event-log.js";
import { MemoryEvents } from "./memory-events.js";

/** A log with what a transaction adds to it. The log itself stays as it is. */
export class EventOverlay implements EventLog {
  readonly #stored: EventLog;
  readonly #added = new MemoryEvents();

  constructor(stored: EventLog) {
    this.#stored = stored;
  }

  /** What was added, in order. */
  get added(): readonly PlacedEvent[] {
    return this.#added.slice(ALL_STREAM, 0, this.#added.count(ALL_STREAM));
  }

  get position(): number {
    return Math.max(this.#stored.position, this.#added.position);
  }

  count(streamId: string): number {
    return this.#stored.count(streamId) + this.#added.count(streamId);
  }

  countUpTo(streamId: string, place: number): number {
    return this.#stored.countUpTo(streamId, place) + this.#added.countUpTo(streamId, place);
  }

  slice(streamId: string, from: number, to: number): readonly PlacedEvent[] {
    const stored = this.#stored.slice(streamId, from, to);
    const storedCount = this.#stored.count(streamId);
    if (to <= storedCount) return stored;
    return [...stored, ...this.#added.slice(streamId, Math.max(0, from - storedCount), to - storedCount)];
  }

  first(streamId: string): number {
    return this.#stored.count(streamId) > 0 ? this.#stored.first(streamId) : 1;
  }

  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | EventPlace | undefined {
    return this.#added.findByKey(streamId, idempotencyKey) ?? this.#stored.findByKey(streamId, idempotencyKey);
  }

  add(events: readonly PlacedEvent[]): void {
    this.#added.add(events);
  }
}
