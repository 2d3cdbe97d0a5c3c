import type { AppendRequest, AppendResult, NewEvent } from "../../protocols/index.js";
import { decideAppend, type StoredKey } from "../../src/decide-append.js";
import type { PlacedEvent } from "./commit-feed.js";

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
  return { outcomes, events: planner.events, lastPlaces: planner.lastPlaces, isPlain: planner.isPlain };
}

class AppendPlanner {
  readonly events: PlacedEvent[] = [];
  readonly lastPlaces = new Map<string, LastPlace>();
  isPlain = true;
  readonly #known: ReadonlyMap<string, KnownStream>;
  readonly #location: string;
  readonly #timestampMs = Date.now();
  /** The keys that the group itself stores, by stream. */
  readonly #keys = new Map<string, Map<string, StoredKey>>();
  #position: number;

  constructor(known: ReadonlyMap<string, KnownStream>, position: number, location: string) {
    this.#known = known;
    this.#position = position;
    this.#location = location;
  }

  plan(request: AppendRequest): AppendOutcome {
    const { streamId, events } = request;
    const before = this.#lastPlace(streamId);
    try {
      const state = { version: before.version, findByKey: (key: string) => this.#findByKey(streamId, key) };
      const { fresh, last } = decideAppend(request, state, this.#location);
      if (fresh.length < events.length || events.length === 0) this.isPlain = false;
      const placed = fresh.map((event) => this.#place(event, streamId));
      const place = last === undefined ? before : "freshIndex" in last ? (placed[last.freshIndex] as LastPlace) : last;
      return { result: { version: place.version, position: place.position, written: fresh.length } };
    } catch (error) {
      this.isPlain = false;
      return { error };
    }
  }

  #lastPlace(streamId: string): LastPlace {
    return this.lastPlaces.get(streamId) ?? this.#known.get(streamId) ?? { version: 0, position: 0 };
  }

  #findByKey(streamId: string, key: string): StoredKey | undefined {
    return this.#known.get(streamId)?.keys.get(key) ?? this.#keys.get(streamId)?.get(key);
  }

  #place(event: NewEvent, streamId: string): LastPlace {
    this.#position += 1;
    const version = this.#lastPlace(streamId).version + 1;
    const place = { streamId, version, position: this.#position, timestampMs: this.#timestampMs };
    this.lastPlaces.set(streamId, place);
    this.events.push({ event, place });
    if (event.idempotencyKey !== null) {
      const keys = this.#keys.get(streamId) ?? new Map<string, StoredKey>();
      this.#keys.set(streamId, keys);
      keys.set(event.idempotencyKey, { ...event, ...place });
    }
    return place;
  }
}
