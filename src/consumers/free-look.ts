import type { LeaseKeeper } from "./lease-keeper.js";

/** How often a process that has less than its share looks, while there are events: each look is a transaction. */
const LACKING_INTERVAL_MS = 500;

/** And one that has its fair share: it gets more only when another process leaves. */
const CONTENT_INTERVAL_MS = 2_000;

/** Looks now and then for what other processes have given back: they say so to nobody but those of their own process. */
export class FreeLook {
  readonly #keeper: LeaseKeeper;
  readonly #look: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param look - looks, and takes what is free */
  constructor(keeper: LeaseKeeper, look: () => void) {
    this.#keeper = keeper;
    this.#look = look;
  }

  /** Looks after a while, unless it is about to, or nobody else has a partition. */
  soon(): void {
    if (this.#keeper.hasAll || this.#timer !== undefined) return;
    const intervalMs = this.#keeper.hasShare ? CONTENT_INTERVAL_MS : LACKING_INTERVAL_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
