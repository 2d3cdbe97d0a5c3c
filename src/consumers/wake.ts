/** Wakes one loop that waits for something to do. A call that comes while it works is not lost. */
export class Wake {
  #isDue = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#isDue = true;
    this.#resolve?.();
  }

  /** Resolves with the next call of `wake`; at once when there was one since the last wait. */
  async wait(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
    }
    this.#isDue = false;
  }
}
