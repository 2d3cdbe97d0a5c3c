import type { LeaseKeeper } from "./lease-keeper.js";

/** How often it looks while there are events: each look is a transaction. */
const INTERVAL_MS = 500;

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
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, INTERVAL_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
