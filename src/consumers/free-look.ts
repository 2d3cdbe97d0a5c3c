import type { LeaseKeeper } from "./lease-keeper.js";

/** How often a process that has less than its share looks: each look is a transaction. */
const LACKING_INTERVAL_MS = 80;

/** And one that has its fair share: it gets more only when another process leaves. */
const CONTENT_INTERVAL_MS = 500;

/**
 * Looks for what other processes have given back, since they say so to nobody but those of their own process. It looks while
 * there are events that nobody has handled: an idle consumer looks for nothing.
 */
export class FreeLook {
  readonly #keeper: LeaseKeeper;
  readonly #look: () => Promise<boolean>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param look - looks, and takes what is free. @returns whether others have events left to handle */
  constructor(keeper: LeaseKeeper, look: () => Promise<boolean>) {
    this.#keeper = keeper;
    this.#look = look;
  }

  /** Looks after a while, unless it is about to, or nobody else has a partition. */
  soon(): void {
    if (this.#isStopped || this.#keeper.hasAll || this.#timer !== undefined) return;
    const intervalMs = this.#keeper.hasShare ? CONTENT_INTERVAL_MS : LACKING_INTERVAL_MS;
    this.#timer = setTimeout(() => {
      void this.#lookNow();
    }, intervalMs);
  }

  async #lookNow(): Promise<void> {
    const isBehind = await this.#look();
    this.#timer = undefined;
    if (isBehind) this.soon();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
