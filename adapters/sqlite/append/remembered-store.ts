/** How many streams are remembered; the one that was learned first is forgotten first. */
const MAX_REMEMBERED_STREAMS = 10_000;

/** How many event types are remembered. Beyond that all are forgotten, and read again as needed. */
const MAX_REMEMBERED_TYPES = 10_000;

/** A stream's number in the store, and the place of its last event. */
export interface StreamHead {
  readonly id: number;
  readonly version: number;
  readonly position: number;
  /** Whether its last event is a tombstone. */
  readonly isDeleted: boolean;
  /** Whether its first events were removed: then the index of keys does not have all keys. */
  readonly isPruned: boolean;
}

/** A stream without events. */
export function newStream(id: number): StreamHead {
  return { id, version: 0, position: 0, isDeleted: false, isPruned: false };
}

/** The last event of a store: its position, and what tells it from any other that may come to have this position. */
export interface LastEvent {
  readonly position: number;
  readonly timestampMs: number;
  /** Null where there is no event at the last position. */
  readonly id: string | null;
}

/** Before the first event. */
export const NO_EVENT: LastEvent = { position: 0, timestampMs: 0, id: null };

/**
 * The state of the store that this process remembers, and the last event at which it was true.
 *
 * An append may be planned on it, because the statement that stores the events demands that the store's last event is
 * still the same: then nobody has changed anything since, and all of it is true.
 */
export class RememberedStore {
  readonly #heads = new Map<string, StreamHead>();
  readonly #types = new Map<string, number>();
  #last: LastEvent | undefined;

  /** The last event, or undefined when nothing is known. */
  get last(): LastEvent | undefined {
    return this.#last;
  }

  /** The heads of streams that are known, by stream id. */
  get heads(): ReadonlyMap<string, StreamHead> {
    return this.#heads;
  }

  /** The numbers of event types that are known. */
  get types(): ReadonlyMap<string, number> {
    return this.#types;
  }

  /** Whether this event is the last one that is known of. */
  endsWith({ position, timestampMs, id }: LastEvent): boolean {
    const last = this.#last;
    return last !== undefined && last.position === position && last.timestampMs === timestampMs && last.id === id;
  }

  /** Takes note of heads, and of the event that they are true at. Those that are known already are true at it too. */
  learn(last: LastEvent, heads: Iterable<readonly [string, StreamHead]>): void {
    this.#last = last;
    for (const [streamId, head] of heads) this.#heads.set(streamId, head);
    for (const streamId of this.#heads.keys()) {
      if (this.#heads.size <= MAX_REMEMBERED_STREAMS) break;
      this.#heads.delete(streamId);
    }
  }

  learnTypes(numbers: ReadonlyMap<string, number>): void {
    for (const [type, number] of numbers) {
      if (this.#types.size === MAX_REMEMBERED_TYPES && !this.#types.has(type)) this.#types.clear();
      this.#types.set(type, number);
    }
  }

  forget(): void {
    this.#heads.clear();
    this.#types.clear();
    this.#last = undefined;
  }
}
