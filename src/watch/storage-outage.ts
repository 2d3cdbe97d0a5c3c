import { channel } from "node:diagnostics_channel";
import { isStreamError } from "../../protocols/index.js";

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

/** A time in which a watch cannot read, because the server is away. It waits for as long as that takes. */
export class StorageOutage {
  readonly #beganMs = performance.now();
  #attempts = 0;
  #endWait: () => void = () => undefined;

  /** Whether an error means that the server is away. Every other one ends a watch. */
  static isOf(error: unknown): boolean {
    return isStreamError(error, "STORAGE_UNAVAILABLE");
  }

  /** Waits before the next attempt, or until the watch is closed. */
  async wait(error: unknown, watch: WaitingWatch): Promise<void> {
    this.#attempts += 1;
    const longestMs = Math.min(FIRST_WAIT_MS * 2 ** (this.#attempts - 1), LONGEST_WAIT_MS);
    // Jittered, so that many watches do not come back at the same moment.
    const waitMs = Math.round(longestMs * (0.5 + Math.random() / 2));
    tell({ kind: "waiting", ...watch, attempts: this.#attempts, waitMs, error });
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#endWait = resolve;
      timer = setTimeout(resolve, waitMs);
    });
    clearTimeout(timer);
  }

  /** The watch has read again. */
  over(watch: WaitingWatch): void {
    tell({
      kind: "resumed",
      ...watch,
      attempts: this.#attempts,
      outageMs: Math.round(performance.now() - this.#beganMs),
    });
  }

  /** Ends the wait at once. */
  close(): void {
    this.#endWait();
  }
}

function tell(message: WaitingWatch & { readonly kind: string; readonly [field: string]: unknown }): void {
  if (messages.hasSubscribers) messages.publish(message);
}
