import { onAbort } from "../../src/watch/abort-listeners.js";

/** Lets one at a time go on, in the order of the calls. */
export class TurnQueue {
  #isTaken = false;
  readonly #waiting = new Set<() => void>();

  /** Whether nobody has the turn. Then nobody waits for it either. */
  get isFree(): boolean {
    return !this.#isTaken;
  }

  /**
   * Waits for the turn. It is passed on when it is disposed of.
   *
   * @throws the signal's reason when it is aborted before
   */
  async take(signal?: AbortSignal): Promise<Disposable> {
    if (this.#isTaken) await this.#wait(signal);
    this.#isTaken = true;
    const turn = { [Symbol.dispose]: () => this.#pass() };
    // The abort may have come between the end of the turn before and this.
    if (signal?.aborted) turn[Symbol.dispose]();
    signal?.throwIfAborted();
    return turn;
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        leave();
        resolve();
      };
      const endListening =
        signal &&
        onAbort(signal, () => {
          leave();
          reject(signal.reason);
        });
      const leave = (): void => {
        this.#waiting.delete(begin);
        endListening?.();
      };
      this.#waiting.add(begin);
    });
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#isTaken = false;
    // The turn stays taken, so that a call that comes now goes to the end of the queue.
    else next();
  }
}
