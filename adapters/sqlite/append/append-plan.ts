import type { AppendRequest, AppendResult, NewEvent } from "../../../protocols/index.js";
import { decideAppend } from "../../../src/adapter-kit/decide-append.js";
import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import type { StreamHead } from "./remembered-store.js";

/** The known state of the store before a group of appends. */
export interface KnownStore {
  readonly position: number;
  /** Those of the group's streams that have a number, and perhaps of others. */
  readonly heads: ReadonlyMap<string, StreamHead>;
  /** The events whose idempotency keys the group has too, by stream id and key. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, PlacedEvent>>;
}

/** The outcome of one append of a group. */
export type AppendOutcome = { readonly result: AppendResult } | { readonly error: unknown };

/** The effect of a group of appends on the store. */
export interface AppendPlan {
  /** One for each append, in order. */
  readonly outcomes: readonly AppendOutcome[];
  /** The events to store, in order, with the places that they get. */
  readonly events: readonly PlacedEvent[];
  /** The last events of the streams that get some. */
  readonly lastEvents: ReadonlyMap<string, PlacedEvent>;
  /** Whether every append stores all of its events: then no stored key and no conflict had a part in it. */
  readonly isPlain: boolean;
}

/** The input of a plan besides the store's state. */
export interface PlanContext {
  readonly location: string;
  /** The clock of the events' timestamps, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Decides a group of appends one after the other, each on what the ones before it leave behind. */
export function planAppends(requests: readonly AppendRequest[], known: KnownStore, context: PlanContext): AppendPlan {
  const planner = new AppendPlanner(known, context);
  const outcomes = requests.map((request) => planner.plan(request));
  const { events, lastEvents, isPlain } = planner;
  return { outcomes, events, lastEvents, isPlain };
}

class AppendPlanner {
  readonly events: PlacedEvent[] = [];
  readonly lastEvents = new Map<string, PlacedEvent>();
  isPlain = true;
  readonly #known: KnownStore;
  readonly #location: string;
  readonly #timestampMs: number;
  readonly #streams = new Map<string, PlannedStream>();
  #position: number;

  constructor(known: KnownStore, { location, now }: PlanContext) {
    this.#known = known;
    this.#position = known.position;
    this.#location = location;
    this.#timestampMs = now();
  }

  plan(request: AppendRequest): AppendOutcome {
    const { streamId, events } = request;
    const stream = this.#streamOf(streamId);
    try {
      const { fresh, last } = decideAppend(request, stream, this.#location);
      if (fresh.length < events.length || events.length === 0) this.isPlain = false;
      const before = stream.placed.length;
      for (const event of fresh) this.#place(event, streamId, stream);
      if (fresh.length > 0) this.lastEvents.set(streamId, stream.placed.at(-1) as PlacedEvent);
      const place =
        last === undefined ? stream.last : "freshIndex" in last ? stream.placed[before + last.freshIndex] : last;
      const { version, position } = place as LastPlace;
      return { result: { version, position, written: fresh.length } };
    } catch (error) {
      this.isPlain = false;
      return { error };
    }
  }

  #streamOf(streamId: string): PlannedStream {
    const planned = this.#streams.get(streamId);
    if (planned !== undefined) return planned;
    const stream = new PlannedStream(this.#known.heads.get(streamId), this.#known.keys.get(streamId));
    this.#streams.set(streamId, stream);
    return stream;
  }

  #place(event: NewEvent, streamId: string, stream: PlannedStream): void {
    this.#position += 1;
    const version = stream.version + 1;
    const placed = { event, streamId, version, position: this.#position, timestampMs: this.#timestampMs };
    stream.placed.push(placed);
    this.events.push(placed);
  }
}

/** The version and the position of a stream's last event. */
type LastPlace = Pick<PlacedEvent, "version" | "position">;

const EMPTY: LastPlace = { version: 0, position: 0 };

/** A stream as it is after the appends that have been planned. */
class PlannedStream {
  /** The events that the group itself stores in it. */
  readonly placed: PlacedEvent[] = [];
  readonly #before: LastPlace;
  readonly #storedKeys: ReadonlyMap<string, PlacedEvent> | undefined;
  /** Those in `placed` that have keys, as far as they have been looked at. */
  #placedKeys: Map<string, PlacedEvent> | undefined;
  #lookedAt = 0;

  constructor(before: LastPlace = EMPTY, storedKeys?: ReadonlyMap<string, PlacedEvent>) {
    this.#before = before;
    this.#storedKeys = storedKeys;
  }

  get last(): LastPlace {
    return this.placed.at(-1) ?? this.#before;
  }

  get version(): number {
    return this.#before.version + this.placed.length;
  }

  findByKey(key: string): PlacedEvent | undefined {
    return this.#storedKeys?.get(key) ?? (this.placed.length === 0 ? undefined : this.#findPlaced(key));
  }

  #findPlaced(key: string): PlacedEvent | undefined {
    this.#placedKeys ??= new Map();
    for (; this.#lookedAt < this.placed.length; this.#lookedAt += 1) {
      const placed = this.placed[this.#lookedAt] as PlacedEvent;
      if (placed.event.idempotencyKey !== null) this.#placedKeys.set(placed.event.idempotencyKey, placed);
    }
    return this.#placedKeys.get(key);
  }
}
