import { setImmediate as endOfTurn } from "node:timers/promises";
import { ALL_STREAM, type StoredEvent, type Stream, type StreamFactory } from "../../protocols/index.js";
import {
  MAX_SHARED_TAIL_EVENTS,
  MAX_SHARED_TAIL_WAIT_MS,
  SHARED_TAIL_MIN_LOADS,
  SHARED_TAIL_REST_LOADS,
} from "../limits.js";
import { readAndObserve } from "../stream/read-and-observe.js";
import { untilAborted } from "../watch/abort-listeners.js";
import { settlesWithin } from "../watch/settles-within.js";
import { placeOf, type SeenEvent } from "./folded-state.js";

/** A time in which every event of the store is read, from its beginning on. */
export interface TailSession {
  readonly all: Stream;
  /** The last event that has passed. */
  last: SeenEvent;
  /** The position up to which a read has seen what has passed. */
  seen: number;
  /** How many loads it has spared a read of their own. */
  spared: number;
}

/**
 * Reads the end of the whole store for many loads at once: one read says what is new in all their streams. It begins when so many
 * loads are under way that this is less work than a read of each stream, and ends when other writers store too much, or a read
 * fails; then each load reads its own stream, until it begins anew.
 */
export class SharedTail {
  readonly #streams: StreamFactory;
  readonly #onEvent: (event: StoredEvent) => void;
  #session: TailSession | undefined;
  #isBeginning = false;
  #loads = 0;
  /** How many loads there have to be before it begins again. */
  #rest = 0;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** What a command is writing. The one that has begun last ends last. */
  #writing: Promise<unknown> | undefined;

  constructor(streams: StreamFactory, onEvent: (event: StoredEvent) => void) {
    this.#streams = streams;
    this.#onEvent = onEvent;
  }

  get session(): TailSession | undefined {
    return this.#session;
  }

  /** Counts a load that begins. @returns the session that has all events from now on */
  begin(): TailSession | undefined {
    this.#loads += 1;
    if (this.#session === undefined && !this.#isBeginning) {
      if (this.#rest > 0) this.#rest -= 1;
      else if (this.#loads >= SHARED_TAIL_MIN_LOADS) void this.#begin();
    }
    return this.#session;
  }

  end(): void {
    this.#loads -= 1;
  }

  /** Reads everything up to now, with a read that begins after the call. Afterwards the session may have ended. */
  read(signal: AbortSignal | undefined): Promise<void> {
    this.#next ??= this.#readNext();
    return untilAborted(this.#next, signal);
  }

  /** Takes note of what a command writes: its caller may come back with the next one. */
  writing(write: Promise<unknown>): void {
    if (this.#session !== undefined) this.#writing = write;
  }

  async #readNext(): Promise<void> {
    await this.#running;
    // So that all callers of the last commit are in one read, and those of the last read have begun to write.
    await endOfTurn();
    // The callers of the commit that is under way are in this read, and in the next commit, with those that wait here. Otherwise
    // both would go on taking turns, with twice as many reads and commits.
    const writing = this.#writing;
    this.#writing = undefined;
    if (writing !== undefined) {
      await settlesWithin(writing, MAX_SHARED_TAIL_WAIT_MS);
      await endOfTurn();
    }
    this.#next = undefined;
    this.#running = this.#readOnce();
    return this.#running;
  }

  /** Takes what this process has stored right behind the last event. The next read sees that it is there, and need not bring it back. */
  follow(stored: readonly StoredEvent[]): void {
    const session = this.#session;
    if (session === undefined) return;
    for (const event of stored) if (event.position === session.last.position + 1) this.#pass(session, event);
  }

  #pass(session: TailSession, event: StoredEvent): void {
    this.#onEvent(event);
    session.last = placeOf(event);
  }

  async #begin(): Promise<void> {
    this.#isBeginning = true;
    try {
      const all = await this.#streams.openStream(ALL_STREAM);
      for await (const event of all.read({ direction: "backward", limit: 1 })) {
        this.#session = { all, last: placeOf(event), seen: event.position, spared: 0 };
      }
    } catch {
      // Each load reads its own stream, and says what is wrong with it.
      this.#rest = SHARED_TAIL_REST_LOADS;
    }
    this.#isBeginning = false;
  }

  async #readOnce(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    try {
      if (await this.#readTail(session)) return;
    } catch {
      // As above.
    }
    this.#session = undefined;
    // Where it was of use it begins anew behind what others have stored. Each stream is read once then, and not several times.
    if (session.spared >= SHARED_TAIL_REST_LOADS) await this.#begin();
    else this.#rest = SHARED_TAIL_REST_LOADS;
  }

  /** @returns false where the store is another one, or has too much that is new, or something that its readers do not get */
  async #readTail(session: TailSession): Promise<boolean> {
    const { all, last } = session;
    let count = 0;
    // Which stream it is in is not known, and the stream ends behind it.
    let isHidden = false;
    const onHidden = (): void => {
      isHidden = true;
    };
    let head = 0;
    const onHead = (place: number): void => {
      head = place;
    };
    const extent = { after: last.position - 1, limit: MAX_SHARED_TAIL_EVENTS };
    for await (const event of readAndObserve(all, extent, { onHead, onHidden })) {
      if (head - last.position >= MAX_SHARED_TAIL_EVENTS) return false;
      count += 1;
      if (count === 1 && (event.id !== last.id || event.position !== last.position)) return false;
      session.seen = event.position;
      // The first one has passed, and what this process has stored meanwhile.
      if (event.position > session.last.position) this.#pass(session, event);
    }
    return !isHidden && count > 0 && count < MAX_SHARED_TAIL_EVENTS;
  }
}
