/** The newest value of something that changes, for those who ask for the next one. */
export interface Publication {
  /**
   * Resolves with the first value whose number is greater than `after`, or with null when the signal aborts first. What came in
   * between is left out.
   */
  next(after: number, signal: AbortSignal): Promise<Published | null>;
}

export interface Published {
  /** Grows with every change. */
  readonly number: number;
  readonly value: unknown;
}

/**
 * Publishes values to windows. A window asks for one value after the other, so that a slow one gets fewer of them, and nothing
 * piles up for it.
 */
export class LatestValue implements Publication {
  #latest: Published | undefined;
  readonly #waiting = new Set<() => void>();

  set(value: unknown): void {
    this.#latest = { number: (this.#latest?.number ?? 0) + 1, value };
    for (const wake of this.#waiting) wake();
  }

  async next(after: number, signal: AbortSignal): Promise<Published | null> {
    while (!signal.aborted) {
      const latest = this.#latest;
      if (latest !== undefined && latest.number > after) return latest;
      await this.#changed(signal);
    }
    return null;
  }

  async #changed(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}
