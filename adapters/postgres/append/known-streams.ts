import { DELETED_EVENT_TYPE, type PlacedEvent } from "../../../protocols/index.js";
import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import type { CallMember } from "./append-call.js";

/** The most streams that are known at a time. */
const MAX_KNOWN_STREAMS = 10_000;

/** Behind how many later events it is looked whether one of them is of a stream. To ask for all of it then takes no longer. */
export const MAX_LATER_EVENTS = 1_000;

/**
 * How many commits of this process must follow an attempt in vain, which takes a round trip, before the next one. It doubles with
 * each that follows: where others write the same streams, what is known seldom holds.
 */
const MIN_COMMITS = 4;
const MAX_COMMITS = 1_024;

/** How much fewer they are after each attempt that was not in vain. One in vain costs as much time as several of these save. */
const HELD_COMMITS = 1 / 2;

/** The state of a stream. */
export interface KnownStream {
  /** The number that the store has given it. */
  readonly number: number;
  readonly version: number;
  /** The position of its last event. */
  readonly position: number;
}

/** What shows that the store still is the one that this process knows. */
export interface LastEvent {
  readonly position: number;
  readonly id: string;
}

/** What a call needs to know. */
export interface KnownCall {
  /** The last event that this process has stored. */
  readonly last: LastEvent;
  /** The states of the streams before each part. */
  readonly streams: readonly KnownStream[];
  /** Up to this position, it is known that their last events are the last ones. */
  readonly asOf: number;
}

/**
 * The states of streams that this process has written, as of events that it has stored. What others may have appended to them
 * since is found by the server when the next call comes.
 */
export class KnownStreams {
  readonly #streams = new Map<string, KnownStream>();
  #last: LastEvent | undefined;
  /** From this position up to its last event, nobody but this process has appended. */
  #ownFrom = 0;
  /** Since the last attempt in vain. */
  #commits = 0;
  #minCommits = 0;

  /** Takes note of a commit of this process. */
  noteCommit({ previousPosition, events }: Commit): void {
    const before = this.#last?.position ?? 0;
    // Events were taken back, perhaps of any stream.
    if (previousPosition < before) this.#streams.clear();
    if (previousPosition !== before) this.#ownFrom = previousPosition + 1;
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

  /** What was known has held. */
  noteHeld(): void {
    this.#minCommits = Math.max(0, this.#minCommits - HELD_COMMITS);
  }

  /** What was known has not held for one of the streams of these members at least. */
  noteRefused(members: readonly CallMember[]): void {
    this.#commits = 0;
    this.#minCommits = Math.min(Math.max(MIN_COMMITS, this.#minCommits * 2), MAX_COMMITS);
    for (const { parts } of members) for (const { streamId } of parts) this.#streams.delete(streamId);
  }

  /** @returns undefined where the store must be asked for more than what others have appended */
  callOf(members: readonly CallMember[]): KnownCall | undefined {
    const last = this.#last;
    if (last === undefined || this.#commits < this.#minCommits) return undefined;
    const streams: KnownStream[] = [];
    const next = new Map<string, KnownStream>();
    let asOf = last.position;
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
        if (stream.position < this.#ownFrom) asOf = Math.min(asOf, stream.position);
        next.set(streamId, { ...stream, version: stream.version + events.length });
      }
    }
    return last.position - asOf > MAX_LATER_EVENTS ? undefined : { last, streams, asOf };
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
