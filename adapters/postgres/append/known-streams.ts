import { DELETED_EVENT_TYPE, type PlacedEvent } from "../../../protocols/index.js";
import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import type { CallMember } from "./append-call.js";

/** The most streams that are known at a time. */
const MAX_KNOWN_STREAMS = 10_000;

/**
 * How many commits of this process must have followed each other. Where others write to the store too, what is known seldom
 * holds until the next call, and to try takes a round trip.
 */
const MIN_COMMITS = 4;

/** The state of a stream. */
export interface KnownStream {
  /** The number that the store has given it. */
  readonly number: number;
  readonly version: number;
  /** The position of its last event. */
  readonly position: number;
}

/** What tells whether anybody has appended since. */
export interface LastEvent {
  readonly position: number;
  readonly id: string;
}

/** What a call needs to know, as long as nobody else has appended. */
export interface KnownCall {
  readonly last: LastEvent;
  /** The states of the streams before each part. */
  readonly streams: readonly KnownStream[];
}

/**
 * The states of streams as of an event that this process has stored. As long as that is the store's last one, nobody can have
 * changed any of them, and an append needs to look for no more than that.
 */
export class KnownStreams {
  readonly #streams = new Map<string, KnownStream>();
  #last: LastEvent | undefined;
  #commits = 0;

  /** Takes note of a commit of this process. */
  noteCommit({ previousPosition, events }: Commit): void {
    if (previousPosition !== this.#last?.position) this.forget();
    this.#commits += 1;
    for (const event of events) {
      const known = this.#streams.get(event.streamId);
      if (known !== undefined) this.#note(known.number, event);
    }
    const last = events.at(-1);
    if (last !== undefined) this.#last = { position: last.position, id: last.event.id };
  }

  /** Takes note of the number of a stream, and of its last event, which is one of the last commit. */
  learn(number: number, last: PlacedEvent): void {
    if (this.#streams.size >= MAX_KNOWN_STREAMS && !this.#streams.has(last.streamId)) this.#forgetOldest();
    this.#note(number, last);
  }

  /** Others have written, or the last commit of this process is not known. */
  forget(): void {
    this.#streams.clear();
    this.#last = undefined;
    this.#commits = 0;
  }

  /** @returns undefined where the store must be asked for more than its last event */
  callOf(members: readonly CallMember[]): KnownCall | undefined {
    const last = this.#last;
    if (last === undefined || this.#commits < MIN_COMMITS) return undefined;
    const streams: KnownStream[] = [];
    const next = new Map<string, KnownStream>();
    let { position } = last;
    for (const { parts, position: upTo } of members) {
      // A unit with a condition.
      if (upTo !== undefined) return undefined;
      for (const { streamId, expectedVersion, events } of parts) {
        const stream = next.get(streamId) ?? this.#streams.get(streamId);
        if (stream === undefined || events.length === 0) return undefined;
        if (typeof expectedVersion === "number" && expectedVersion !== stream.version) return undefined;
        if (events.some(({ idempotencyKey, type }) => idempotencyKey !== null || type === DELETED_EVENT_TYPE)) {
          return undefined;
        }
        streams.push(stream);
        position += events.length;
        next.set(streamId, { number: stream.number, version: stream.version + events.length, position });
      }
    }
    return { last, streams };
  }

  #note(number: number, { streamId, version, position, event }: PlacedEvent): void {
    // Nothing is appended to a deleted stream.
    if (event.type === DELETED_EVENT_TYPE) this.#streams.delete(streamId);
    else this.#streams.set(streamId, { number, version, position });
  }

  #forgetOldest(): void {
    for (const [streamId] of this.#streams) {
      this.#streams.delete(streamId);
      return;
    }
  }
}
