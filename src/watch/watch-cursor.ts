import {
  ALL_STREAM,
  type Notifier,
  type ParsedClause,
  type StorageError,
  type StoredEvent,
  type Subscription,
} from "../../protocols/index.js";
import type { Closable, Lifetime } from "../adapter-kit/lifetime.js";
import { decodesLater, type NotifiedEvent } from "../adapter-kit/notified-event.js";
import { compileFilter } from "../filter/compile-filter.js";
import { MAX_WATCH_BUFFER_EVENTS } from "../limits.js";
import { wentBackError } from "../read/beyond-end.js";
import { eventsRemoved, isRemoved } from "../read/events-removed.js";
import type { PageStorage } from "../read/page-reader.js";
import { PageSize } from "../read/page-size.js";
import { replacedStore } from "../read/replaced-store.js";
import { pageBytes } from "../stream/content-bytes.js";
import { EventHold, type EventHolder, type MemoryBudget } from "../stream/memory-budget.js";
import { type EventHooks, heldGenerationOf, type ReadFailure } from "../view/event-hooks.js";
import { onAbort } from "./abort-listeners.js";
import { StorageOutage } from "./storage-outage.js";

/** The source of a watch: the stream, the place to start at, and the signal that ends it. */
export interface WatchSource {
  readonly storage: PageStorage;
  readonly notifier: Notifier;
  readonly streamId: string;
  readonly after: number;
  /** Whether the caller gave that place. */
  readonly isAfterGiven: boolean;
  readonly filter: readonly ParsedClause[];
  readonly signal: AbortSignal | undefined;
  readonly lifetime: Lifetime;
  readonly memory: MemoryBudget;
  readonly hooks?: EventHooks | undefined;
}

const NO_EVENTS: readonly StoredEvent[] = [];

/**
 * One watcher's place in a stream, and the hand-over from replay to live.
 *
 * It is always in one of two states. *Behind*: what comes next is read from storage, and what is notified meanwhile is
 * held. *Live*: notifications are queued as they come. It starts behind, and becomes live when a page reached the end:
 * what was committed behind that page has been held since the reading began, or is still to be notified. It falls behind
 * again when the queue is full, when the store's memory is, or when a notification does not join on to what it has, and
 * stays behind when that happens to what is held. `#place` is the last event that was considered, so that no event is
 * taken twice and none is left out, whichever way it comes.
 *
 * Events go from a page or the queue into the consumer's hand, and from there to the consumer one by one.
 */
export class WatchCursor implements Closable, EventHolder {
  readonly #source: WatchSource;
  readonly #matches: (event: StoredEvent) => boolean;
  readonly #onClose: () => void;
  readonly #hold: EventHold;
  readonly #pageSize: PageSize;
  #begun = false;
  #subscription: Subscription | undefined;
  #place: number;
  #hand = NO_EVENTS;
  #handIndex = 0;
  /** Whether the hooks have seen what is in hand. */
  #isHandReady = true;
  /** What `heldGenerationOf` was when they began with it. */
  #handGeneration = 0;
  /** What the consumer gets after what is in hand. */
  #failure: ReadFailure | undefined;
  /** The last place that is considered once the hand is empty. */
  #handPlace: number;
  /** Up to here everything has been delivered or does not match. */
  #deliveredPlace: number;
  #queue: NotifiedEvent[] = [];
  #behind = true;
  /** Events notified while a page is read; null while no page is read, and when they were too many or not all were given. */
  #held: NotifiedEvent[] | null = null;
  /** The memory that they take together. */
  #handBytes = 0;
  #queueBytes = 0;
  #heldBytes = 0;
  /** Whether the consumer waits for an event. */
  #isPulled = false;
  #isAsleep = false;
  #closed = false;
  #epoch: string | undefined;
  readonly #outage: StorageOutage;
  /** Takes back the page that is read: it may wait for other reads. */
  #reading: AbortController | undefined;
  #wake: () => void = () => undefined;
  #ignoreAbort: () => void = () => undefined;

  /** @param onClose - called within `close` */
  constructor(source: WatchSource, onClose: () => void = () => undefined) {
    this.#source = source;
    this.#matches = compileFilter(source.filter);
    this.#onClose = onClose;
    this.#place = source.after;
    this.#handPlace = source.after;
    this.#deliveredPlace = source.after;
    this.#hold = new EventHold(this);
    this.#pageSize = new PageSize(source.memory);
    const { storage, streamId } = source;
    this.#outage = new StorageOutage(() => ({ store: storage.location, streamId, after: this.#place }));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws the reason of the signal that ended the watch, if one did. */
  throwIfAborted(): void {
    this.#source.signal?.throwIfAborted();
  }

  /** The next event in hand, in order; undefined when there is none, and once the cursor is closed. */
  next(): StoredEvent | undefined {
    // What a consumer waits for is new.
    if (!this.#isPulled && this.#isOutdated) this.#readAgain();
    const event = this.#hand[this.#handIndex];
    if (event === undefined) return undefined;
    this.#isPulled = false;
    this.#handIndex += 1;
    if (this.#handIndex < this.#hand.length) this.#deliveredPlace = this.#placeOf(event);
    else this.#takeInHand(NO_EVENTS, 0);
    return event;
  }

  /** Whether readers get something else now of what is in hand. */
  get #isOutdated(): boolean {
    return this.#hand.length > 0 && this.#handGeneration !== heldGenerationOf(this.#source.hooks);
  }

  /** Waits for events that match and takes them in hand; false once the cursor is closed. One call at a time. */
  async fill(): Promise<boolean> {
    this.#isPulled = true;
    if (!this.#begun) await this.#begin();
    while (!this.#closed) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#hand.length === 0) {
        if (this.#behind && this.#queue.length === 0) await this.#readPageOrWait();
        else this.#takeQueue();
        this.#isHandReady = this.#source.hooks?.afterRead === undefined;
      }
      if (!this.#isHandReady && this.#hand.length > 0) await this.#hookHand();
      if (this.#closed) break;
      if (this.#hand.length > 0 && this.#isHandReady) return true;
      if (this.#failure !== undefined || this.#hand.length > 0) continue;
      if (!this.#behind && this.#queue.length === 0) await this.#woken();
    }
    return false;
  }

  /** Puts in hand what the consumer gets of it, unless it was taken out of the hand meanwhile. */
  async #hookHand(): Promise<void> {
    const hand = this.#hand;
    this.#handGeneration = heldGenerationOf(this.#source.hooks);
    const result = await this.#source.hooks?.afterRead?.(hand);
    if (result === undefined || this.#closed || this.#hand !== hand) return;
    const { events, failure } = result;
    const bytes = events.length === 0 ? 0 : this.#handBytes;
    this.#isHandReady = true;
    if (failure?.mayPass) {
      // What follows is read from storage again: hooks may have changed some of it already.
      const last = events.at(-1);
      this.#fallBack(last === undefined ? this.#deliveredPlace : this.#placeOf(last));
      this.#takeInHand(events, bytes);
      return last === undefined ? this.#outage.wait(failure.error) : undefined;
    }
    this.#failure = failure;
    this.#takeInHand(events, bytes);
    this.#outage.over();
  }

  /** Its events are read from storage again. */
  evict(): void {
    this.#pageSize.shrink();
    this.#readAgain();
  }

  #readAgain(): void {
    // What fails is read again as well, unless all before it has been delivered.
    if (this.#hand.length > 0) this.#failure = undefined;
    const next = this.#isPulled ? this.#hand[this.#handIndex] : undefined;
    this.#fallBack(next === undefined ? this.#deliveredPlace : this.#placeOf(next));
    this.#takeInHand(next === undefined ? NO_EVENTS : [next], 0);
  }

  /** What comes after a place is read from storage, whatever it has of it. Call `#takeInHand` after it. */
  #fallBack(place: number): void {
    this.#place = place;
    this.#handPlace = place;
    this.#behind = true;
    this.#queue = [];
    this.#held = null;
    this.#queueBytes = 0;
    this.#heldBytes = 0;
  }

  /** Ends the cursor at once: what it has is dropped, and a `fill` that waits gets false. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hand = NO_EVENTS;
    this.#queue = [];
    this.#held = null;
    this.#source.memory.count(this.#hold, 0);
    this.#subscription?.unsubscribe();
    this.#source.lifetime.delete(this);
    this.#ignoreAbort();
    this.#outage.close();
    this.#reading?.abort();
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
    this.#subscription = notifier.subscribe(
      streamId,
      decodesLater((batch) => this.#onBatch(batch)),
    );
  }

  #onBatch(batch: readonly NotifiedEvent[]): void {
    if (this.#closed) return;
    if (this.#behind) this.#keepHeld(batch);
    else if (this.#queue.length + batch.length <= MAX_WATCH_BUFFER_EVENTS && this.#joinsOn(batch, this.#place))
      this.#enqueue(batch);
    else this.#behind = true;
    this.#isAsleep = false;
    this.#wake();
  }

  #keepHeld(batch: readonly NotifiedEvent[]): void {
    if (this.#held === null) return;
    const last = this.#held.at(-1);
    const isTooMuch = this.#held.length + batch.length > MAX_WATCH_BUFFER_EVENTS;
    if (batch.length === 0 || isTooMuch || (last && !this.#joinsOn(batch, this.#placeOf(last)))) {
      this.#held = null;
      this.#heldBytes = 0;
    } else {
      this.#held.push(...batch);
      this.#heldBytes += bytesOf(batch);
    }
    this.#count();
  }

  #joinsOn([first]: readonly NotifiedEvent[], place: number): boolean {
    if (first === undefined) return false;
    // Positions may have gaps, so that on @all only the notifier knows what follows what.
    return this.#source.streamId === ALL_STREAM || first.version <= place + 1;
  }

  #enqueue(batch: readonly NotifiedEvent[]): void {
    try {
      for (const event of batch) {
        const place = this.#placeOf(event);
        if (place <= this.#place) continue;
        if (this.#source.filter.length === 0 || this.#matches(event.event)) this.#queue.push(event);
        this.#place = place;
      }
    } catch {
      // It is damaged: storage says how.
      this.#behind = true;
    }
    // A single event for a consumer that waits for it is gone before anything else happens.
    if (this.#isAsleep && this.#queue.length <= 1) return;
    this.#queueBytes += bytesOf(batch);
    this.#count();
  }

  #takeQueue(): void {
    const [queue, bytes] = [this.#queue, this.#queueBytes];
    try {
      const events = queue.map(({ event }) => event);
      this.#queue = [];
      this.#queueBytes = 0;
      this.#handPlace = this.#place;
      this.#takeInHand(events, bytes);
    } catch {
      // One of them is damaged: storage says which.
      this.#fallBack(this.#deliveredPlace);
      this.#count();
    }
  }

  #takeInHand(events: readonly StoredEvent[], bytes: number): void {
    this.#hand = events;
    this.#handIndex = 0;
    this.#handBytes = bytes;
    if (events.length === 0) this.#deliveredPlace = this.#handPlace;
    this.#count();
  }

  #count(): void {
    this.#source.memory.count(this.#hold, this.#handBytes + this.#queueBytes + this.#heldBytes);
  }

  async #readPageOrWait(): Promise<void> {
    try {
      await this.#readPage();
    } catch (error) {
      if (this.#closed) return;
      if (!StorageOutage.isOf(error)) throw error;
      this.#held = null;
      this.#heldBytes = 0;
      return this.#outage.wait(error);
    }
    // Where there are hooks, they may be what fails.
    if (this.#hand.length === 0 || this.#source.hooks?.afterRead === undefined) this.#outage.over();
  }

  async #readPage(): Promise<void> {
    const { storage, streamId, filter } = this.#source;
    this.#held = [];
    this.#reading = new AbortController();
    const page = await storage.readPage({
      streamId,
      after: this.#place,
      limit: this.#pageSize.events,
      direction: "forward",
      filter: filter.length === 0 ? undefined : filter,
      signal: this.#reading.signal,
    });
    this.#reading = undefined;
    if (isRemoved(this.#place, page.first)) {
      throw await eventsRemoved("watch", { streamId, after: this.#place, first: page.first }, storage);
    }
    if (page.head < this.#place) throw await this.#wentBack(page.head);
    if (this.#epoch !== undefined && page.epoch !== this.#epoch)
      throw replacedStore("watch", streamId, storage.location);
    this.#epoch = page.epoch;
    this.#place = Math.max(this.#place, page.next ?? page.head);
    this.#handPlace = this.#place;
    if (this.#closed) return;
    const bytes = pageBytes(page);
    this.#pageSize.learn(page.events.length, bytes);
    this.#takeHeld(page.next === null);
    const isFiltered = filter.length > 0;
    this.#takeInHand(isFiltered ? page.events.filter(this.#matches) : page.events, bytes);
  }

  /** Becomes live with what was notified while the page was read, if that joins on to it. */
  #takeHeld(isLastPage: boolean): void {
    const held = this.#held;
    this.#held = null;
    this.#heldBytes = 0;
    if (!isLastPage || held === null || (held.length > 0 && !this.#joinsOn(held, this.#place))) return;
    this.#behind = false;
    this.#enqueue(held);
  }

  /** A watch that waited for its place to come again would miss what is written until then. */
  #wentBack(head: number): Promise<StorageError> {
    const { storage, streamId, after, isAfterGiven } = this.#source;
    const place = this.#place;
    return wentBackError("watch", { storage, streamId, place, head, isGiven: isAfterGiven && place === after });
  }

  #woken(): Promise<void> {
    this.#isAsleep = true;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #placeOf(event: Pick<StoredEvent, "position" | "version">): number {
    return this.#source.streamId === ALL_STREAM ? event.position : event.version;
  }
}

function bytesOf(events: readonly NotifiedEvent[]): number {
  return events.reduce((bytes, event) => bytes + event.bytes, 0);
}
