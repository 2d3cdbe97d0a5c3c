import {
  ALL_STREAM,
  type AppendRequest,
  type AppendResult,
  type EventPage,
  type EventPlace,
  type ReadQuery,
} from "../../protocols/index.js";
import { decideAppend } from "../../src/adapter-kit/decide-append.js";
import { decodeEvent } from "../../src/adapter-kit/decode-event.js";
import type { PlacedEvent } from "../../src/adapter-kit/placed-event.js";
import { headOf, isDeleted, lastOf, MemoryEvents, placeIn } from "./memory-events.js";

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

/** What an append did. */
export interface Appended {
  readonly result: AppendResult;
  readonly added: readonly PlacedEvent[];
}

/** Decides an append and stores its events. */
export function appendTo(log: EventLog, request: AppendRequest, now: () => number, location: string): Appended {
  const { streamId } = request;
  const { position } = log;
  const version = headOf(log, streamId);
  const findByKey = (key: string) => log.findByKey(streamId, key);
  const state = { version, isDeleted: isDeleted(log, streamId), findByKey };
  const { fresh, last } = decideAppend(request, state, location);
  const added = fresh.map((event, index): PlacedEvent => {
    const place = { streamId, version: version + index + 1, position: position + index + 1 };
    return { ...place, event, timestampMs: now() };
  });
  log.add(added);
  const place = last === undefined ? lastOf(log, streamId) : "freshIndex" in last ? added[last.freshIndex] : last;
  return {
    result: { version: place?.version ?? 0, position: place?.position ?? 0, written: added.length },
    added,
  };
}

export function readPageOf(log: EventLog, { streamId, after, upTo, limit, direction }: ReadQuery): EventPage {
  const head = headOf(log, streamId);
  const first = streamId === ALL_STREAM ? undefined : log.first(streamId);
  const isForward = direction === "forward";
  const low = log.countUpTo(streamId, after);
  const high = log.countUpTo(streamId, upTo ?? head);
  const from = isForward ? low : Math.max(low, high - limit);
  const to = isForward ? Math.min(high, low + limit) : high;
  // Between places that cross there is nothing.
  const placed = log.slice(streamId, from, Math.max(from, to));
  const events = placed.map((each) => decodeEvent(each.event, each));
  const isCut = isForward ? to < high : from > low;
  const edge = isForward ? placed.at(-1) : placed[0];
  const next = isCut && edge !== undefined ? placeIn(streamId, edge) - (isForward ? 0 : 1) : null;
  return { events: isForward ? events : events.reverse(), next, head, first };
}
