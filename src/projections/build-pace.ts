/** How often it is looked whether a build gains on those who write, in milliseconds. */
const LOOK_MS = 250;

/** How many events it should take for each that is written meanwhile: at twice as many, a build takes twice as long as alone. */
const LEAD = 2;

/** Most batches of one transaction, and most events of all of them. */
export const MAX_TRANSACTION_BATCHES = 64;
export const MAX_TRANSACTION_EVENTS = 2_048;

/** How long one transaction of several batches should hold the writer, in milliseconds. */
const MAX_HOLD_MS = 500;

/**
 * How many batches a build takes in one transaction: more while others write so much that it would never get to the end. They
 * wait for it, and so write less.
 */
export class BuildPace {
  readonly #maxHoldMs: number;
  #batches = 1;
  #eventMs = 0;
  #seen: { readonly position: number; readonly head: number; readonly atMs: number } | undefined;

  /** @param leaseMs - which a transaction must not outlast */
  constructor(leaseMs: number) {
    this.#maxHoldMs = Math.min(MAX_HOLD_MS, leaseMs / 3);
  }

  /** @param batch - how many events a batch has @returns how many a transaction has */
  limitFor(batch: number): number {
    return Math.max(batch, Math.min(this.#batches * batch, MAX_TRANSACTION_EVENTS, this.fitting ?? Infinity));
  }

  /** How many events a transaction may take by the time that the last ones took. Undefined: none were taken yet. */
  get fitting(): number | undefined {
    return this.#eventMs === 0 ? undefined : Math.floor(this.#maxHoldMs / this.#eventMs);
  }

  /** @param tookMs - how long the writer was held for a batch */
  noteBatch(events: number, tookMs: number): void {
    if (events > 0) this.#eventMs = tookMs / events;
  }

  /** Where it is, before it takes what comes next. */
  notePlace(position: number, head: number, atMs: number): void {
    const seen = this.#seen;
    if (seen !== undefined && atMs - seen.atMs < LOOK_MS) return;
    this.#seen = { position, head, atMs };
    if (seen === undefined) return;
    const [taken, written] = [position - seen.position, head - seen.head];
    if (taken < LEAD * written) this.#batches = Math.min(MAX_TRANSACTION_BATCHES, this.#batches * 2);
    else if (taken > 2 * LEAD * written) this.#batches = Math.max(1, this.#batches / 2);
  }
}
