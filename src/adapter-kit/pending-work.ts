/**
 * Counts work that has been accepted and has not settled yet, so that a disposal can wait for it.
 *
 * @example
 * ```ts
 * const writes = new PendingWork();
 * writes.begin();
 * void write().finally(() => writes.end());
 * await writes.drained();
 * ```
 */
export class PendingWork {
  #count = 0;
  #waiting: (() => void)[] = [];

  /** Counts one more. */
  begin(): void {
    this.#count += 1;
  }

  /** Counts one less: it succeeded or failed. */
  end(): void {
    this.#count -= 1;
    if (this.#count > 0 || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves once nothing is pending. What begins meanwhile is waited for as well. */
  drained(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
