const MAX_EVENTS = 256;
const MAX_CATCH_UP_EVENTS = 2_048;

/** So many events behind, batches are larger. */
const FAR_BEHIND_EVENTS = 10_000;

/** How long a batch should hold the writer, in milliseconds. */
const GOAL_MS = 10;

/** And while others write, who wait for it. */
const SHARED_GOAL_MS = 5;

/** How much larger the next batch may be: one that was quick by chance must not be followed by one that takes far longer. */
const MAX_GROWTH = 1.1;

/** How much longer a batch takes by chance than one that is no larger. */
const CHANCE = 1.5;

/** How many events a batch has: fewer while batches hold the writer for too long, also far behind. */
export class BatchSize {
  /** Whether others have written since the last batch. */
  isShared = false;
  readonly #fixed: number | undefined;
  #events = MAX_EVENTS;
  /** The last batch that held the writer for too long, and was followed by smaller ones. */
  #slow: { readonly events: number; readonly tookMs: number } | undefined;

  /** @param fixed - what the caller wants; undefined: as it fits */
  constructor(fixed: number | undefined) {
    this.#fixed = fixed;
  }

  limitFor(behind: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    return Math.min(this.#events, behind > FAR_BEHIND_EVENTS ? MAX_CATCH_UP_EVENTS : MAX_EVENTS);
  }

  /** @param tookMs - how long the writer was held for these events: not for the commit, which fewer make no shorter */
  note(events: number, tookMs: number): void {
    // One that was quick and had fewer events than it might says nothing of larger ones, and an empty one nothing at all.
    const goalMs = this.isShared ? SHARED_GOAL_MS : GOAL_MS;
    if (events === 0 || (tookMs <= goalMs && events < this.#events)) return;
    if (tookMs > goalMs) {
      if (this.#isNoQuicker(events, tookMs)) return;
      this.#slow = { events, tookMs };
    }
    const fitting = Math.floor((events * goalMs) / tookMs);
    // Rounded up: a few events, too, have to become more again.
    const most = Math.min(MAX_CATCH_UP_EVENTS, Math.ceil(events * MAX_GROWTH));
    this.#events = Math.min(most, Math.max(1, fitting));
  }

  /** Whether most of the time that it has taken does not depend on how many events it has: fewer would only take longer in all. */
  #isNoQuicker(events: number, tookMs: number): boolean {
    const slow = this.#slow;
    if (slow === undefined || events >= slow.events || tookMs > slow.tookMs * CHANCE) return false;
    return tookMs > (slow.tookMs * (1 + events / slow.events)) / 2;
  }
}
