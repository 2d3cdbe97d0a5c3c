import type { AppendRequest, AppendResult, RequestOutcome } from "../../protocols/index.js";
import { onAbort } from "../watch/abort-listeners.js";

/** How many appends share a transaction. */
const MAX_APPENDS = 64;

/** How many events they have. A single append may have more. */
const MAX_EVENTS = 1_024;

/** About how many bytes they take. A single append may take more. */
const MAX_BYTES = 1_048_576;

/** For how long further appends may join: storage that waits for a lock gives all of them up at once. */
const MAX_OPEN_MS = 100;

interface WaitingAppend {
  readonly request: AppendRequest;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
  readonly stopListening: (() => void) | undefined;
}

/** Appends that wait for the same transaction, in the order of their calls. */
export class WaitingAppends {
  readonly #appends = new Set<WaitingAppend>();
  readonly #closesAtMs = performance.now() + MAX_OPEN_MS;
  #events = 0;
  #bytes = 0;
  #taken: readonly WaitingAppend[] | undefined;

  /** Whether an append may join. */
  takes({ events }: AppendRequest, bytes: number): boolean {
    return (
      this.#appends.size < MAX_APPENDS &&
      this.#events + events.length <= MAX_EVENTS &&
      this.#bytes + bytes <= MAX_BYTES &&
      performance.now() < this.#closesAtMs
    );
  }

  add(request: AppendRequest, bytes: number): Promise<AppendResult> {
    this.#events += request.events.length;
    this.#bytes += bytes;
    const { signal } = request;
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#appends.delete(append);
        stopListening?.();
        reject(signal?.reason);
      };
      const stopListening = signal && onAbort(signal, cancel);
      const append = { request, resolve, reject, stopListening };
      this.#appends.add(append);
    });
  }

  /** Begins the transaction. From now on none of them is cancelled. */
  take(): readonly AppendRequest[] {
    this.#taken = [...this.#appends];
    for (const { stopListening } of this.#taken) stopListening?.();
    return this.#taken.map(({ request }) => request);
  }

  settle(outcomes: readonly RequestOutcome[]): void {
    for (const [index, { resolve, reject }] of (this.#taken ?? []).entries()) {
      const outcome = outcomes[index] as RequestOutcome;
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.result);
    }
  }

  /** Rejects all of them. */
  fail(error: unknown): void {
    for (const { reject, stopListening } of this.#taken ?? this.#appends) {
      stopListening?.();
      reject(error);
    }
  }
}
