import type { AppendRequest, AppendResult, NewEvent } from "../../../protocols/index.js";
import { decideAppend, type StoredKey } from "../../../src/decide-append.js";
import type { PlacedEvent } from "../notify/commit-feed.js";

/** The version and the position of a stream's last event. */
export interface LastPlace {
  readonly version: number;
  readonly position: number;
}

/** What is known of a stream before a group of appends: its last event, and which of the group's keys it holds. */
export interface KnownStream extends LastPlace {
  readonly keys: ReadonlyMap<string, StoredKey>;
}

/** What becomes of one append of a group. */
export type AppendOutcome = { readonly result: AppendResult } | { readonly error: unknown };

/** What a group of appends does to the store. */
export interface AppendPlan {
  /** One for each append, in order. */
  readonly outcomes: readonly AppendOutcome[];
  /** The events to store, in order, with the places that they get. */
  readonly events: readonly PlacedEvent[];
  /** The last places of the streams that get events, afterwards. */
  readonly lastPlaces: ReadonlyMap<string, LastPlace>;
  /** Whether every append stores all of its events: then no stored key and no conflict had a part in it. */
  readonly isPlain: boolean;
}

/** Decides a group of appends one after the other, each on what the ones before it leave behind. */
export function planAppends(
  requests: readonly AppendRequest[],
  known: ReadonlyMap<string, KnownStream>,
  position: number,
  location: string,
): AppendPlan {
  const planner = new AppendPlanner(known, position, location);
  const outcomes = requests.map((request) => planner.plan(request));
  return { outcomes, events: planner.events, lastPlaces: planner.lastPlaces(), isPlain: planner.isPlain };
}

class AppendPlanner {
  readonly events: PlacedEvent[] = [];
  isPlain = true;
  readonly #known: ReadonlyMap<string, KnownStream>;
  readonly #location: string;
  readonly #timestampMs = Date.now();
  readonly #streams = new Map<string, PlannedStream>();
  #position: number;

  constructor(known: ReadonlyMap<string, KnownStream>, position: number, location: string) {
    this.#known = known;
    this.#position = position;
    this.#location = location;
  }

  plan(request: AppendRequest): AppendOutcome {
    const { streamId, events } = request;
    const stream = this.#streams.get(streamId) ?? new PlannedStream(this.#known.get(streamId));
    this.#streams.set(streamId, stream);
    try {
      const { fresh, last } = decideAppend(request, stream, this.#location);
      if (fresh.length < events.length || events.length === 0) this.isPlain = false;
      const before = stream.placed.length;
      for (const event of fresh) this.#place(event, streamId, stream);
      const place =
        last === undefined ? stream.last : "freshIndex" in last ? stream.placed[before + last.freshIndex] : last;
      const { version, position } = place as LastPlace;
      return { result: { version, position, written: fresh.length } };
    } catch (error) {
      this.isPlain = false;
      return { error };
    }
  }

  lastPlaces(): Map<string, LastPlace> {
    const places = new Map<string, LastPlace>();
    for (const [streamId, stream] of this.#streams) if (stream.placed.length > 0) places.set(streamId, stream.last);
    return places;
  }

  #place(event: NewEvent, streamId: string, stream: PlannedStream): void {
    this.#position += 1;
    const version = stream.version + 1;
    const placed = { event, streamId, version, position: this.#position, timestampMs: this.#timestampMs };
    stream.placed.push(placed);
    this.events.push(placed);
  }
}

const UNKNOWN: KnownStream = { version: 0, position: 0, keys: new Map() };

/** A stream as it is after the appends that have been planned. */
class PlannedStream {
  /** The events that the group itself stores in it. */
  readonly placed: PlacedEvent[] = [];
  readonly #before: KnownStream;
  /** The places in `placed` of those with keys, as far as they have been looked at. */
  readonly #placedKeys = new Map<string, PlacedEvent>();
  #lookedAt = 0;

  constructor(before: KnownStream = UNKNOWN) {
    this.#before = before;
  }

  get last(): LastPlace {
    return this.placed.at(-1) ?? this.#before;
  }

  get version(): number {
    return this.#before.version + this.placed.length;
  }

  findByKey(key: string): StoredKey | undefined {
    const stored = this.#before.keys.get(key);
    if (stored !== undefined || this.placed.length === 0) return stored;
    for (; this.#lookedAt < this.placed.length; this.#lookedAt += 1) {
      const placed = this.placed[this.#lookedAt] as PlacedEvent;
      if (placed.event.idempotencyKey !== null) this.#placedKeys.set(placed.event.idempotencyKey, placed);
    }
    const placed = this.#placedKeys.get(key);
    return placed && { ...placed.event, version: placed.version, position: placed.position };
  }
}
