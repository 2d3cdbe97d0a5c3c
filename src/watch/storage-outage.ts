import { channel } from "node:diagnostics_channel";
import { isStreamError } from "../../protocols/index.js";
import { mayFailurePass } from "../view/thrown-failures.js";

/** How long a watch waits before it tries again; every further wait is twice as long. */
const FIRST_WAIT_MS = 100;

/** How long it waits at most. */
const LONGEST_WAIT_MS = 2_000;

/** What happens in watches, for whoever measures them. */
const messages = channel("async-streams:watch");

/** The watch that waits, and where it is. */
interface WaitingWatch {
  readonly store: string | undefined;
  readonly streamId: string;
  readonly after: number;
}

/** Has a watch wait while it cannot read, because the server or what a hook needs is away, for as long as that takes. */
export class StorageOutage {
  readonly #watch: () => WaitingWatch;
  /** How many attempts have failed in a row. */
  #attempts = 0;
  #beganMs = 0;
  #error: unknown;
  #closed = false;
  #endWait: () => void = () => undefined;

  /** @param watch - where the watch is now */
  constructor(watch: () => WaitingWatch) {
    this.#watch = watch;
  }

  /** What the last attempt failed with, while it waits. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether an error means that the server is away, or what a hook needs. Every other one ends a watch. */
  static isOf(error: unknown): boolean {
    return mayFailurePass(error) ?? isStreamError(error, "STORAGE_UNAVAILABLE");
  }

  /** Waits before the next attempt, or until the watch is closed. */
  async wait(error: unknown): Promise<void> {
    if (this.#closed) return;
    if (this.#attempts === 0) this.#beganMs = performance.now();
    this.#attempts += 1;
    this.#error = error;
    const longestMs = Math.min(FIRST_WAIT_MS * 2 ** (this.#attempts - 1), LONGEST_WAIT_MS);
    // Jittered, so that many watches do not come back at the same moment.
    const waitMs = Math.round(longestMs * (0.5 + Math.random() / 2));
    tell({ kind: "waiting", ...this.#watch(), attempts: this.#attempts, waitMs, error });
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#endWait = resolve;
      timer = setTimeout(resolve, waitMs);
    });
    clearTimeout(timer);
  }

  /** The watch has read. */
  over(): void {
    if (this.#attempts === 0) return;
    const outageMs = Math.round(performance.now() - this.#beganMs);
    tell({ kind: "resumed", ...this.#watch(), attempts: this.#attempts, outageMs });
    this.#attempts = 0;
    this.#error = undefined;
  }

  /** Ends the wait at once, and every later one. */
  close(): void {
    this.#closed = true;
    this.#endWait();
  }
}

function tell(message: WaitingWatch & { readonly kind: string; readonly [field: string]: unknown }): void {
  if (messages.hasSubscribers) messages.publish(message);
}
