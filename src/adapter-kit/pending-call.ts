/** A call that waits for the writing connection. It settles once: what comes later is ignored. */
export abstract class PendingCall<Result> {
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  #isSettled = false;

  constructor(signal: AbortSignal | undefined, resolve: (result: Result) => void, reject: (error: unknown) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** What it attempts, for messages: `write to stream "a"`. */
  abstract readonly attempt: string;

  /** Whether it still wants to be done; asked right before each attempt. */
  isWanted(): boolean {
    if (this.#signal?.aborted) this.fail(this.#signal.reason);
    return !this.#isSettled;
  }

  /** Whether it has its outcome. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  succeed(result: Result): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#resolve(result);
  }

  fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#reject(error);
  }
}
