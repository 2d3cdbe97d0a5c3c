import { ALL_STREAM } from "async-streams";
import type { StoredPlace } from "async-streams/adapter";
import type { LinePlace } from "./line-file.js";

/** The place of an event in its stream, in the store, and in the file. */
export interface EventPlace extends StoredPlace {
  readonly line: LinePlace;
}

/** The part of an event that the index needs. */
export interface IndexedEvent {
  readonly streamId: string;
  readonly idempotencyKey: string | null;
  readonly timestampMs: number;
  readonly line: LinePlace;
}

interface StreamEntry {
  /** The event with version n is at n - 1. */
  readonly places: EventPlace[];
  readonly placeByKey: Map<string, EventPlace>;
}

const NO_PLACES: readonly EventPlace[] = [];

/** Where every event is, in memory. The file is the truth, and the index is made of it when the store is opened. */
export class EventIndex {
  /** Positions have no gaps here, so that the event with position n is at n - 1. */
  readonly #all: EventPlace[] = [];
  readonly #streams = new Map<string, StreamEntry>();

  /** The events of a stream, or of the store, in order. Versions and positions are indexes into it, counted from 1. */
  placesOf(streamId: string): readonly EventPlace[] {
    if (streamId === ALL_STREAM) return this.#all;
    return this.#streams.get(streamId)?.places ?? NO_PLACES;
  }

  findByKey(streamId: string, idempotencyKey: string): EventPlace | undefined {
    return this.#streams.get(streamId)?.placeByKey.get(idempotencyKey);
  }

  add({ streamId, idempotencyKey, timestampMs, line }: IndexedEvent): EventPlace {
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      stream = { places: [], placeByKey: new Map() };
      this.#streams.set(streamId, stream);
    }
    const version = stream.places.length + 1;
    const place: EventPlace = { streamId, version, position: this.#all.length + 1, timestampMs, line };
    this.#all.push(place);
    stream.places.push(place);
    if (idempotencyKey !== null) stream.placeByKey.set(idempotencyKey, place);
    return place;
  }
}
