import {
  ALL_STREAM,
  type Notifier,
  type ParsedClause,
  StorageError,
  type StorageHandle,
  type StoredEvent,
  type Subscription,
} from "../../protocols/index.js";
import type { Closable, Lifetime } from "../adapter-kit/lifetime.js";
import { compileFilter } from "../filter/compile-filter.js";
import { MAX_PAGE_EVENTS, MAX_WATCH_BUFFER_EVENTS } from "../limits.js";
import { inStore } from "../validate/in-call.js";
import { onAbort } from "./abort-listeners.js";

/** What a watch reads, from where, and what ends it. */
export interface WatchSource {
  readonly storage: StorageHandle;
  readonly notifier: Notifier;
  readonly streamId: string;
  readonly after: number;
  readonly filter: readonly ParsedClause[];
  readonly signal: AbortSignal | undefined;
  readonly lifetime: Lifetime;
}

/**
 * One watcher's place in a stream, and the hand-over from replay to live.
 *
 * It is always in one of two states. *Behind*: what comes next is read from storage, and what is notified meanwhile is
 * held. *Live*: notifications are queued as they come. It starts behind, and becomes live when a page reached the end:
 * what was committed behind that page has been held since the reading began, or is still to be notified. It falls behind
 * again when the queue is full or a notification does not join on to what it has, and stays behind when that happens to
 * what is held. `#place` is the last event that was considered, so that no event is taken twice and none is left out,
 * whichever way it comes.
 */
export class WatchCursor implements Closable {
  readonly #source: WatchSource;
  readonly #matches: (event: StoredEvent) => boolean;
  readonly #onClose: () => void;
  #begun = false;
  #subscription: Subscription | undefined;
  #place: number;
  #queue: StoredEvent[] = [];
  #behind = true;
  /** What is notified while a page is read; null while none is, and once that was more than can be held or is told. */
  #held: StoredEvent[] | null = null;
  #closed = false;
  #wake: () => void = () => undefined;
  #ignoreAbort: () => void = () => undefined;

  /** @param onClose - called within `close` */
  constructor(source: WatchSource, onClose: () => void = () => undefined) {
    this.#source = source;
    this.#matches = compileFilter(source.filter);
    this.#onClose = onClose;
    this.#place = source.after;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws the reason of the signal that ended the watch, if one did. */
  throwIfAborted(): void {
    this.#source.signal?.throwIfAborted();
  }

  /** The next events that match, in order and at least one; null once the cursor is closed. One call at a time. */
  async take(): Promise<readonly StoredEvent[] | null> {
    if (!this.#begun) await this.#begin();
    while (!this.#closed) {
      const events = this.#behind && this.#queue.length === 0 ? await this.#readPage() : this.#takeQueue();
      if (this.#closed) break;
      if (events.length > 0) return events;
      if (!this.#behind && this.#queue.length === 0) await this.#woken();
    }
    return null;
  }

  /** Ends the cursor at once: what is queued is dropped, and a `take` that waits gets null. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#held = null;
    this.#subscription?.unsubscribe();
    this.#source.lifetime.delete(this);
    this.#ignoreAbort();
    this.#wake();
    this.#onClose();
  }

  async #begin(): Promise<void> {
    const { notifier, streamId, signal, lifetime } = this.#source;
    this.#begun = true;
    if (signal?.aborted) return this.close();
    lifetime.add(this);
    if (signal !== undefined) this.#ignoreAbort = onAbort(signal, () => this.close());
    await notifier.start();
    if (this.#closed) return;
    // Before the first page is read: what is committed from here on is either on a page or notified.
    this.#subscription = notifier.subscribe(streamId, (batch) => this.#onBatch(batch));
  }

  #onBatch(batch: readonly StoredEvent[]): void {
    if (this.#closed) return;
    if (this.#behind) this.#hold(batch);
    else if (this.#queue.length + batch.length <= MAX_WATCH_BUFFER_EVENTS && this.#joinsOn(batch, this.#place))
      this.#enqueue(batch);
    else this.#behind = true;
    this.#wake();
  }

  #hold(batch: readonly StoredEvent[]): void {
    if (this.#held === null) return;
    const last = this.#held.at(-1);
    const isTooMuch = this.#held.length + batch.length > MAX_WATCH_BUFFER_EVENTS;
    if (batch.length === 0 || isTooMuch || (last && !this.#joinsOn(batch, this.#placeOf(last)))) this.#held = null;
    else this.#held.push(...batch);
  }

  #joinsOn([first]: readonly StoredEvent[], place: number): boolean {
    if (first === undefined) return false;
    // Positions may have gaps, so that on @all only the notifier knows what follows what.
    return this.#source.streamId === ALL_STREAM || first.version <= place + 1;
  }

  #enqueue(batch: readonly StoredEvent[]): void {
    for (const event of batch) {
      const place = this.#placeOf(event);
      if (place <= this.#place) continue;
      this.#place = place;
      if (this.#matches(event)) this.#queue.push(event);
    }
  }

  #takeQueue(): readonly StoredEvent[] {
    const events = this.#queue;
    this.#queue = [];
    return events;
  }

  async #readPage(): Promise<readonly StoredEvent[]> {
    const { storage, streamId, filter } = this.#source;
    this.#held = [];
    const page = await storage.readPage({
      streamId,
      after: this.#place,
      limit: MAX_PAGE_EVENTS,
      direction: "forward",
      filter: filter.length === 0 ? undefined : filter,
    });
    if (page.head < this.#place) throw this.#wentBack(page.head);
    this.#place = Math.max(this.#place, page.next ?? page.head);
    this.#takeHeld(page.next === null);
    return page.events.filter(this.#matches);
  }

  /** Becomes live with what was notified while the page was read, if that joins on to it. */
  #takeHeld(isLastPage: boolean): void {
    const held = this.#held;
    this.#held = null;
    if (!isLastPage || held === null || (held.length > 0 && !this.#joinsOn(held, this.#place))) return;
    this.#behind = false;
    this.#enqueue(held);
  }

  /** A watch that waited for its place to come again would miss what is written until then. */
  #wentBack(head: number): StorageError {
    const { storage, streamId } = this.#source;
    const kind = streamId === ALL_STREAM ? "position" : "version";
    const message =
      `Cannot watch stream "${streamId}"${inStore(storage.location)} after ` +
      `${kind} ${this.#place}: the last ${kind} is ${head}. The store went back: an older copy was put in its place, or ` +
      "its log was cut. Find out what was lost, and watch from a place that is there.";
    return new StorageError("STORAGE_WENT_BACK", message);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #placeOf(event: StoredEvent): number {
    return this.#source.streamId === ALL_STREAM ? event.position : event.version;
  }
}
