import {
  FIRST_PAGE_EVENTS,
  MAX_PAGE_BYTES,
  MAX_PAGE_EVENTS,
  PAGE_GROWTH_FACTOR,
  SHORT_MEMORY_PAGE_EVENTS,
} from "../limits.js";
import type { MemoryBudget } from "../stream/memory-budget.js";

/**
 * How many events to ask for next. Pages begin small, since many readers stop early, and grow as long as their events
 * fit into MAX_PAGE_BYTES.
 */
export class PageSize {
  readonly #budget: MemoryBudget;
  #events = FIRST_PAGE_EVENTS;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get events(): number {
    return this.#budget.isShort ? Math.min(this.#events, SHORT_MEMORY_PAGE_EVENTS) : this.#events;
  }

  /** Takes note of a page: how many events it had, and how many bytes they take. */
  learn(events: number, bytes: number): void {
    const grown = Math.min(this.#events * PAGE_GROWTH_FACTOR, MAX_PAGE_EVENTS);
    const fitting = events === 0 ? grown : Math.floor((MAX_PAGE_BYTES / bytes) * events);
    this.#events = Math.max(1, Math.min(grown, fitting));
  }

  /** Begins again with small pages: what was read did not stay in memory until it was wanted. */
  shrink(): void {
    this.#events = Math.min(this.#events, SHORT_MEMORY_PAGE_EVENTS);
  }
}
