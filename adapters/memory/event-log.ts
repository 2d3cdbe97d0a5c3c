import {
  ALL_STREAM,
  type AppendRequest,
  type AppendResult,
  type EventPage,
  type ReadQuery,
} from "../../protocols/index.js";
import { decideAppend } from "../../src/adapter-kit/decide-append.js";
import { decodeEvent } from "../../src/adapter-kit/decode-event.js";
import type { PlacedEvent } from "../../src/adapter-kit/placed-event.js";

/** Events by stream. Versions and positions are gapless, so that a place is an index. */
export interface EventLog {
  /** How many events a stream has; all of them for `@all`. */
  count(streamId: string): number;
  /** Those from one index (inclusive) to another (exclusive). */
  slice(streamId: string, from: number, to: number): readonly PlacedEvent[];
  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | undefined;
  /** Adds events in the order of their positions. */
  add(events: readonly PlacedEvent[]): void;
}

/** The events of a store, or those that a transaction has added to it. */
export class MemoryEvents implements EventLog {
  readonly #streams = new Map<string, PlacedEvent[]>([[ALL_STREAM, []]]);
  readonly #keys = new Map<string, Map<string, PlacedEvent>>();

  count(streamId: string): number {
    return this.#streams.get(streamId)?.length ?? 0;
  }

  slice(streamId: string, from: number, to: number): readonly PlacedEvent[] {
    return this.#streams.get(streamId)?.slice(from, to) ?? [];
  }

  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | undefined {
    return this.#keys.get(streamId)?.get(idempotencyKey);
  }

  add(events: readonly PlacedEvent[]): void {
    for (const placed of events) {
      const { streamId, event } = placed;
      entryOf(this.#streams, streamId, () => []).push(placed);
      entryOf(this.#streams, ALL_STREAM, () => []).push(placed);
      if (event.idempotencyKey === null) continue;
      entryOf(this.#keys, streamId, () => new Map<string, PlacedEvent>()).set(event.idempotencyKey, placed);
    }
  }
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

  count(streamId: string): number {
    return this.#stored.count(streamId) + this.#added.count(streamId);
  }

  slice(streamId: string, from: number, to: number): readonly PlacedEvent[] {
    const stored = this.#stored.slice(streamId, from, to);
    const storedCount = this.#stored.count(streamId);
    if (to <= storedCount) return stored;
    return [...stored, ...this.#added.slice(streamId, Math.max(0, from - storedCount), to - storedCount)];
  }

  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | undefined {
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
  const version = log.count(streamId);
  const position = log.count(ALL_STREAM);
  const findByKey = (key: string): PlacedEvent | undefined => log.findByKey(streamId, key);
  const { fresh, last } = decideAppend(request, { version, findByKey }, location);
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

export function lastOf(log: EventLog, streamId: string): PlacedEvent | undefined {
  const count = log.count(streamId);
  return log.slice(streamId, count - 1, count)[0];
}

export function readPageOf(log: EventLog, { streamId, after, upTo, limit, direction }: ReadQuery): EventPage {
  const head = log.count(streamId);
  const end = Math.min(upTo ?? head, head);
  const isForward = direction === "forward";
  const from = isForward ? after : Math.max(after, end - limit);
  const to = isForward ? Math.min(end, after + limit) : end;
  // Between places that cross there is nothing.
  const events = log.slice(streamId, from, Math.max(from, to)).map((placed) => decodeEvent(placed.event, placed));
  if (isForward) return { events, next: to < end ? to : null, head };
  return { events: events.reverse(), next: from > after ? from : null, head };
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
