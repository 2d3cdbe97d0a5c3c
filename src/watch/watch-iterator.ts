import type { StoredEvent } from "../../protocols/index.js";
import type { WatchCursor } from "./watch-cursor.js";

type Result = IteratorResult<StoredEvent, undefined>;

/**
 * A watch as an async iterator. The consumer's `next` is what moves it, so a slow consumer costs no more than a page.
 *
 * Unlike that of an async generator, `return` ends a `next` that is waiting for an event.
 */
export class WatchIterator implements AsyncIterator<StoredEvent, undefined> {
  readonly #open: () => WatchCursor;
  readonly #onEvent: (event: StoredEvent) => void;
  #cursor: WatchCursor | undefined;
  #ended = false;
  /** Calls of `next` that wait, one behind the other. */
  #waiting = 0;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(open: () => WatchCursor, onEvent: (event: StoredEvent) => void) {
    this.#open = open;
    this.#onEvent = onEvent;
  }

  next(): Promise<Result> {
    const event = this.#waiting === 0 ? this.#cursor?.next() : undefined;
    if (event !== undefined) return Promise.resolve(this.#deliver(event));
    // The first call begins the watch before it returns, so that what ends it from here on ends it as any other.
    const turn = this.#waiting === 0 ? this.#pull() : this.#lastTurn.then(() => this.#pull());
    this.#waiting += 1;
    this.#lastTurn = turn.catch(() => undefined).then(() => (this.#waiting -= 1));
    return turn;
  }

  return(): Promise<Result> {
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  async #pull(): Promise<Result> {
    if (this.#ended) return { value: undefined, done: true };
    try {
      this.#cursor ??= this.#open();
      let event = this.#cursor.next();
      if (event === undefined && (await this.#cursor.fill())) event = this.#cursor.next();
      if (event !== undefined) return this.#deliver(event);
    } catch (error) {
      this.#end();
      throw error;
    }
    const wasReturned = this.#ended;
    this.#end();
    if (!wasReturned) this.#cursor?.throwIfAborted();
    return { value: undefined, done: true };
  }

  #deliver(event: StoredEvent): Result {
    this.#onEvent(event);
    return { value: event, done: false };
  }

  #end(): void {
    this.#ended = true;
    this.#cursor?.close();
  }
}
