/** Counts the writes that have been accepted and are under way, so that a disposal can wait for them. */
export class AcceptedWork {
  #underWay = 0;
  #onFinished: (() => void) | undefined;

  begin(): void {
    this.#underWay += 1;
  }

  end(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#onFinished?.();
  }

  /** Resolves once nothing is under way, whether it succeeded or failed. */
  async finished(): Promise<void> {
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve;
    });
  }
}
