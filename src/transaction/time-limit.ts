import { onAbort } from "../watch/abort-listeners.js";

/** For how long a transaction may go on. */
interface Limits {
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects once a transaction has taken too long, or is not wanted any more. */
export class TimeLimit implements Disposable {
  readonly reached: Promise<never>;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #stopListening: (() => void) | undefined;

  constructor({ timeoutMs, signal }: Limits, timeoutError: (timeoutMs: number) => Error) {
    let reject: (error: unknown) => void = () => undefined;
    this.reached = new Promise((_, rejectReached) => {
      reject = rejectReached;
    });
    this.reached.catch(() => undefined);
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => reject(timeoutError(timeoutMs)), timeoutMs);
    if (signal !== undefined) this.#stopListening = onAbort(signal, () => reject(signal.reason));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
  }
}
