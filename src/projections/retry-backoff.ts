import { setTimeout as delay } from "node:timers/promises";

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/** The waits after failures, each twice as long as the one before. */
export class RetryBackoff {
  #nextMs = MIN_RETRY_MS;
  #cut = new AbortController();

  /** The last attempt succeeded. */
  reset(): void {
    this.#nextMs = MIN_RETRY_MS;
  }

  /** Ends this wait, or the next one at once: what has failed may succeed now. */
  cutShort(): void {
    this.reset();
    this.#cut.abort();
  }

  /**
   * Waits until it is time for the next attempt.
   *
   * @param intervalMs - after which `keepLease` is called, again and again
   * @param keepLease - returns whether to go on waiting
   */
  async wait(stopping: AbortSignal, intervalMs: number, keepLease: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + this.#nextMs;
    this.#nextMs = Math.min(MAX_RETRY_MS, this.#nextMs * 2);
    const signal = AbortSignal.any([stopping, this.#cut.signal]);
    while (!signal.aborted && performance.now() < endMs) {
      await delay(Math.min(endMs - performance.now(), intervalMs), undefined, { signal }).catch(() => undefined);
      if (!(await keepLease())) break;
    }
    this.#cut = new AbortController();
  }
}
