import type { LeaseKeeper } from "./lease-keeper.js";

/** How long it is to the next look, which only reads. What is free is taken, and begun, within three times as long. */
const INTERVAL_MS = 30;

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
    this.#timer = setTimeout(() => void this.#lookNow(), INTERVAL_MS);
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
