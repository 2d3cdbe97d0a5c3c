import type { EventPage, ReadQuery, StorageHandle, StoredEvent } from "../../protocols/index.js";
import type { Lifetime } from "../adapter-kit/lifetime.js";
import { compileFilter } from "../filter/compile-filter.js";
import { FIRST_PAGE_EVENTS, MAX_PAGE_EVENTS, PAGE_GROWTH_FACTOR } from "../limits.js";
import type { ReadPlan } from "./read-options.js";

/** What a read needs besides its options. */
export interface ReadContext {
  readonly storage: StorageHandle;
  readonly streamId: string;
  readonly lifetime: Lifetime;
  /** Told of each event as it is handed to the consumer. */
  readonly onEvent: (event: StoredEvent) => void;
}

/** Reads page by page. The next page is fetched while the consumer is in the second half of the one before. */
export async function* readEvents(context: ReadContext, planOf: () => ReadPlan): AsyncGenerator<StoredEvent, void> {
  context.lifetime.assertOpen(`read stream "${context.streamId}"`);
  const plan = planOf();
  plan.signal?.throwIfAborted();
  const matches = plan.filter && compileFilter(plan.filter);
  const pages = new PageReader(context, plan);
  let delivered = 0;
  let coming = pages.next(plan.limit);
  while (coming !== null) {
    const events = await coming;
    coming = events.length === 0 ? pages.next(plan.limit) : null;
    const half = events.length >> 1;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index] as StoredEvent;
      if (context.lifetime.closed || plan.signal?.aborted) throwEnded(context, plan);
      if (matches === undefined || matches(event)) {
        context.onEvent(event);
        yield event;
        delivered += 1;
        if (delivered === plan.limit) return;
      }
      if (index === half) {
        const undelivered = matches === undefined ? events.length - index - 1 : 0;
        coming = pages.next(plan.limit - delivered - undelivered);
      }
    }
  }
  if (context.lifetime.closed || plan.signal?.aborted) throwEnded(context, plan);
}

/** A read that is cut short must not look like one that reached the end. */
function throwEnded({ lifetime, streamId }: ReadContext, { signal }: ReadPlan): void {
  signal?.throwIfAborted();
  lifetime.assertOpen(`go on reading stream "${streamId}"`);
}

/** Asks storage for one page after the other, each larger than the one before, up to the end as it was at the first. */
class PageReader {
  readonly #context: ReadContext;
  readonly #plan: ReadPlan;
  #after: number;
  #upTo: number | undefined;
  #pageEvents = FIRST_PAGE_EVENTS;
  #ended = false;

  constructor(context: ReadContext, plan: ReadPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#after = plan.after;
    this.#upTo = plan.upTo;
  }

  /** The next page's events, or null behind the last page or when no more are wanted. */
  next(wanted: number): Promise<readonly StoredEvent[]> | null {
    if (this.#ended || wanted <= 0) return null;
    const page = this.#load(wanted);
    // The consumer may leave before it comes to this page; a failure is then nobody's.
    page.catch(() => undefined);
    return page;
  }

  async #load(wanted: number): Promise<readonly StoredEvent[]> {
    const { direction, filter } = this.#plan;
    const query: ReadQuery = {
      streamId: this.#context.streamId,
      after: this.#after,
      upTo: this.#upTo,
      limit: filter === undefined ? Math.min(this.#pageEvents, wanted) : this.#pageEvents,
      direction,
      filter,
    };
    const page = await this.#context.storage.readPage(query);
    this.#pageEvents = Math.min(this.#pageEvents * PAGE_GROWTH_FACTOR, MAX_PAGE_EVENTS);
    this.#advance(page);
    return page.events;
  }

  #advance({ next, head }: EventPage): void {
    if (next === null) {
      this.#ended = true;
    } else if (this.#plan.direction === "backward") {
      this.#upTo = next;
      this.#ended = next <= this.#after;
    } else {
      this.#after = next;
      this.#upTo = Math.min(this.#upTo ?? head, head);
      this.#ended = next >= this.#upTo;
    }
  }
}
