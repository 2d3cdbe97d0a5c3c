/** How many streams a store remembers the heads of; the one that was learned first is forgotten first. */
const MAX_REMEMBERED_STREAMS = 10_000;

/** A stream's number in the store, and the place of its last event. */
export interface StreamHead {
  readonly id: number;
  readonly version: number;
  readonly position: number;
}

/**
 * What this process knows of the heads of streams, and the last position that it was true at.
 *
 * An append may be planned on it, because the statement that stores the events demands that the store's last position
 * is still the same: then nobody has appended anything since, and all of it is true.
 */
export class StreamHeads {
  readonly #heads = new Map<string, StreamHead>();
  #position: number | undefined;

  /** The last position, or undefined when nothing is known. */
  get position(): number | undefined {
    return this.#position;
  }

  /** The heads that are known. */
  get known(): ReadonlyMap<string, StreamHead> {
    return this.#heads;
  }

  /** Takes note of the store's state at a position. What was known of an earlier position is forgotten. */
  learn(previousPosition: number, position: number, heads: Iterable<readonly [string, StreamHead]>): void {
    if (previousPosition !== this.#position) this.forget();
    this.#position = position;
    for (const [streamId, head] of heads) this.#heads.set(streamId, head);
    for (const streamId of this.#heads.keys()) {
      if (this.#heads.size <= MAX_REMEMBERED_STREAMS) break;
      this.#heads.delete(streamId);
    }
  }

  forget(): void {
    this.#heads.clear();
    this.#position = undefined;
  }
}
