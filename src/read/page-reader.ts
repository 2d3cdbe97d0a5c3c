import {
  ALL_STREAM,
  type EventPage,
  type EventsRemovedError,
  type ReadQuery,
  type StorageHandle,
  type StoredEvent,
} from "../../protocols/index.js";
import { compileFilter } from "../filter/compile-filter.js";
import { pageBytes } from "../stream/content-bytes.js";
import { EventHold, type EventHolder, type MemoryBudget, MIN_COUNTED_BYTES } from "../stream/memory-budget.js";
import { type EventHooks, heldGenerationOf, type ReadFailure, type ReadResult } from "../view/event-hooks.js";
import { toThrow } from "../view/thrown-failures.js";
import { onAbort } from "../watch/abort-listeners.js";
import { eventsRemoved, isRemoved } from "./events-removed.js";
import { PageSize } from "./page-size.js";
import type { ReadPlan } from "./read-options.js";
import { replacedStore } from "./replaced-store.js";

/** The part of a storage handle, or of a transaction, that a read uses. */
export interface PageStorage extends Pick<StorageHandle, "readPage" | "getVersion"> {
  readonly location?: string | undefined;
}

/** Where pages come from. */
export interface PageSource {
  readonly storage: PageStorage;
  readonly streamId: string;
  readonly memory: MemoryBudget;
  readonly hooks?: EventHooks | undefined;
  /**
   * Told when the stream ends before the place behind which a page was asked for.
   *
   * @param isGiven - whether the place is the caller's, and not one that the read has come to
   */
  readonly onBeyondEnd: (place: number, head: number, isGiven: boolean) => Promise<void>;
  readonly observer?: ReadObserver | undefined;
}

/** Told what the events of a read do not say. */
export interface ReadObserver {
  /** Where the stream ends, as of each page. */
  readonly onHead?: ((head: number) => void) | undefined;
  /** The place that a forward read has come to when it has no more events: the last ones may be hidden from its reader. */
  readonly onEnd?: ((place: number) => void) | undefined;
  /** The reader does not get all events that were found. */
  readonly onHidden?: (() => void) | undefined;
}

/** A page that is fetched before it is needed, as it is stored. */
interface PageAhead {
  readonly page: Promise<EventPage>;
  /** Its memory, once it is loaded. */
  bytes: number;
}

const NO_EVENTS: readonly StoredEvent[] = [];

/** A call of storage that holds the main thread for longer does all of its work there. */
const MAX_HELD_MS = 0.5;

/** Hands out the events of one page after the other, up to the end of the stream as it was at the first. */
export class PageReader implements EventHolder {
  readonly #source: PageSource;
  readonly #plan: ReadPlan;
  readonly #size: PageSize;
  readonly #matches: ((event: StoredEvent) => boolean) | undefined;
  #hold: EventHold | undefined;
  #after: number;
  #upTo: number | undefined;
  #events = NO_EVENTS;
  #index = 0;
  #bytes = 0;
  /** What `heldGenerationOf` was when the page was opened. */
  #generation = 0;
  #ahead: PageAhead | undefined;
  /** Takes back the page that is fetched ahead: it may wait for other reads. */
  #fetching: AbortController | undefined;
  /** How long the last call of storage held the main thread. */
  #heldMs = 0;
  #ended = false;
  #failure: ReadFailure | undefined;
  #epoch: string | undefined;
  /** Whether storage finds what is wanted and nothing else, as the last page tells. Then it is asked for no more than that. */
  #isExact: boolean;
  /** Whether the consumer waits for an event. */
  #isPulled = false;
  /** The first version that the stream still has, of a backward read: it fails when it gets there. */
  #firstLeft: number | undefined;

  constructor(source: PageSource, plan: ReadPlan) {
    this.#source = source;
    this.#plan = plan;
    this.#size = new PageSize(source.memory);
    this.#after = plan.after;
    this.#upTo = plan.upTo;
    this.#matches = plan.filter && compileFilter(plan.filter);
    this.#isExact = plan.filter === undefined;
  }

  /** Waits for a page, which may have no events; false behind the last one or when no more are wanted. */
  async fill(wanted: number): Promise<boolean> {
    this.#isPulled = true;
    if (this.#failure !== undefined) throw toThrow(this.#failure);
    if (this.#ended || wanted === 0) {
      if (wanted > 0 && isRemoved(this.#after, this.#firstLeft)) throw await this.#removed(this.#firstLeft);
      if (wanted > 0 && this.#upTo !== undefined) this.#source.observer?.onEnd?.(this.#upTo);
      return false;
    }
    const isAhead = this.#ahead !== undefined;
    const ahead = this.#ahead ?? this.#load(wanted, this.#plan.signal);
    const page = await this.#waitFor(ahead.page);
    this.#ahead = undefined;
    this.#advance(page);
    this.#generation = heldGenerationOf(this.#source.hooks);
    let read: ReadResult = page;
    if (this.#source.hooks?.afterRead !== undefined) {
      // The page before is not kept while this one is opened.
      this.#take(NO_EVENTS, ahead.bytes);
      // That takes the main thread, and the next page can be read meanwhile, unless that takes the main thread too.
      if (isAhead && this.#heldMs <= MAX_HELD_MS) this.#fetchAhead(wanted - page.events.length);
      read = await this.#waitFor(this.#opened(page));
    }
    const { events, failure } = read;
    this.#failure = failure;
    // Counting its memory may evict it again, and the failure with it.
    this.#take(events, ahead.bytes);
    return true;
  }

  /** What the reader gets of a page. */
  async #opened(page: EventPage): Promise<ReadResult> {
    const read = await this.#source.hooks?.afterRead?.(page.events);
    if (read === undefined) return page;
    if (read.events.length < page.events.length) this.#source.observer?.onHidden?.();
    return read;
  }

  /** Takes back a page that is fetched ahead too when the read is aborted. */
  async #waitFor<T>(waited: Promise<T>): Promise<T> {
    const { signal } = this.#plan;
    const fetching = this.#fetching;
    if (signal === undefined || fetching === undefined) return waited;
    const takeBack = (): void => fetching.abort(signal.reason);
    if (signal.aborted) takeBack();
    const stopListening = onAbort(signal, takeBack);
    try {
      return await waited;
    } finally {
      stopListening();
    }
  }

  /** The next event of the page; undefined behind its last. The consumer's call for the second half fetches ahead. */
  next(wanted: number): StoredEvent | undefined {
    const event = this.#events[this.#index];
    if (event === undefined) return undefined;
    // What a consumer waits for is new.
    if (!this.#isPulled && this.#generation !== heldGenerationOf(this.#source.hooks)) {
      this.#readAgain(event);
      return undefined;
    }
    if (this.#index === (this.#events.length >> 1) + 1) this.#fetchAhead(wanted - (this.#events.length - this.#index));
    this.#isPulled = false;
    this.#index += 1;
    return event;
  }

  /** Its events are read from storage again. */
  evict(): void {
    const next = this.#events[this.#index];
    // The consumer may wait for that page.
    this.#ahead = undefined;
    this.#size.shrink();
    if (next !== undefined) this.#readAgain(next);
  }

  /** Goes back to an event of the page, which the consumer gets first. */
  #readAgain(next: StoredEvent): void {
    this.#ahead = undefined;
    this.#failure = undefined;
    const place = this.#source.streamId === ALL_STREAM ? next.position : next.version;
    if (this.#plan.direction === "backward") this.#upTo = this.#isPulled ? place - 1 : place;
    else this.#after = this.#isPulled ? place : place - 1;
    this.#ended = this.#upTo !== undefined && this.#after >= this.#upTo;
    this.#take(this.#isPulled ? [next] : NO_EVENTS, 0);
  }

  close(): void {
    if (this.#ahead !== undefined) this.#fetching?.abort();
    this.#ahead = undefined;
    this.#take(NO_EVENTS, 0);
  }

  #take(events: readonly StoredEvent[], bytes: number): void {
    this.#events = events;
    this.#index = 0;
    this.#bytes = bytes;
    this.#count();
  }

  #count(): void {
    const bytes = this.#bytes + (this.#ahead?.bytes ?? 0);
    if (this.#hold === undefined && bytes < MIN_COUNTED_BYTES) return;
    this.#hold ??= new EventHold(this);
    this.#source.memory.count(this.#hold, bytes);
  }

  #fetchAhead(wanted: number): void {
    if (this.#ahead !== undefined || this.#ended || wanted <= 0 || this.#failure !== undefined) return;
    this.#fetching = new AbortController();
    this.#ahead = this.#load(wanted, this.#fetching.signal);
    // The consumer may leave before it comes to this page; a failure is then nobody's.
    this.#ahead.page.catch(() => undefined);
  }

  #load(wanted: number, signal: AbortSignal | undefined): PageAhead {
    const { after, filter, direction } = this.#plan;
    const size = this.#size.events;
    const query: ReadQuery = {
      streamId: this.#source.streamId,
      after: this.#after,
      upTo: this.#upTo,
      limit: this.#isExact ? Math.min(size, wanted) : size,
      direction,
      filter,
      signal,
    };
    const load = async (): Promise<EventPage> => {
      const calledMs = performance.now();
      const reading = this.#source.storage.readPage(query);
      this.#heldMs = performance.now() - calledMs;
      const page = await reading;
      if (query.direction === "forward" && isRemoved(query.after, page.first)) throw await this.#removed(page.first);
      if (page.head < query.after) await this.#source.onBeyondEnd(query.after, page.head, query.after === after);
      this.#source.observer?.onHead?.(page.head);
      ahead.bytes = pageBytes(page);
      this.#size.learn(page.events.length, ahead.bytes);
      if (this.#ahead === ahead) this.#count();
      if (this.#matches === undefined) return page;
      // The filter is matched with what was stored, so it comes before the hooks.
      const events = page.events.filter(this.#matches);
      this.#isExact = events.length === page.events.length;
      return { ...page, events };
    };
    const ahead: PageAhead = { bytes: 0, page: load() };
    return ahead;
  }

  #removed(first: number): Promise<EventsRemovedError> {
    const { streamId, storage } = this.#source;
    return eventsRemoved("read", { streamId, after: this.#after, first }, storage);
  }

  #advance({ next, head, first, epoch }: EventPage): void {
    if (this.#epoch !== undefined && epoch !== this.#epoch) {
      throw replacedStore("read", this.#source.streamId, this.#source.storage.location);
    }
    this.#epoch = epoch;
    if (this.#plan.direction === "backward") {
      this.#firstLeft = first;
      this.#ended = next === null || next <= this.#after;
      if (next !== null) this.#upTo = next;
    } else {
      this.#upTo = Math.min(this.#upTo ?? head, head);
      this.#ended = next === null || next >= this.#upTo;
      if (next !== null) this.#after = next;
    }
  }
}
