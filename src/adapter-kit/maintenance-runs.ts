import { StreamClosedError, type VerifyOptions } from "../../protocols/index.js";
import { checkFunction, checkSignal } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";

/** What checks and backups have in common. */
export interface MaintenanceOptions extends Pick<VerifyOptions, "signal"> {
  readonly onProgress?: unknown;
}

/** The checks and backups of an open store that are under way, and what a disposal waits for. */
export class MaintenanceRuns implements AsyncDisposable {
  readonly #location: string;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(location: string) {
    this.#location = location;
  }

  /**
   * Runs a check or a backup.
   *
   * @param task - calls what it is given between two of its steps; that throws once nobody wants the result
   * @throws InvalidArgumentError when an option is invalid
   */
  async run<T>(
    attempt: string,
    { signal, onProgress }: MaintenanceOptions,
    task: (assertWanted: () => void) => Promise<T>,
  ): Promise<T> {
    inAttempt(attempt, this.#location, () => {
      checkSignal(signal);
      checkFunction("onProgress", onProgress);
    });
    const assertWanted = (): void => {
      if (this.#isClosed) throw this.#closedError(attempt);
      signal?.throwIfAborted();
    };
    assertWanted();
    const running = task(assertWanted);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Lets nothing new begin, ends what is under way between two of its steps, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  #closedError(attempt: string): StreamClosedError {
    const message = `Cannot ${attempt} ${this.#location}: the factory has been disposed. Open a new one.`;
    return new StreamClosedError(message);
  }
}
