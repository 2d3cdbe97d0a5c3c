import type { AppendRequest, AppendResult } from "../../../protocols/index.js";
import type { AppendOutcome } from "./append-plan.js";
import { eventCharacters } from "./event-rows.js";

/** An append that waits for its transaction. */
export class PendingAppend {
  readonly request: AppendRequest;
  /** How much content it stores. */
  readonly characters: number;
  /** How many pages of indexes it changes at most: that of its stream, and one for each key. */
  readonly indexPages: number;
  /** The moment on the clock of the lock at which it gives up. */
  readonly lockDeadline: number;
  #isSettled = false;
  readonly #resolve: (result: AppendResult) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    request: AppendRequest,
    lockDeadline: number,
    resolve: (result: AppendResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request;
    this.lockDeadline = lockDeadline;
    let characters = 0;
    let indexPages = 1;
    for (const event of request.events) {
      characters += eventCharacters(event);
      if (event.idempotencyKey !== null) indexPages += 1;
    }
    this.characters = characters;
    this.indexPages = indexPages;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Whether it still wants to be stored; asked right before each attempt to begin a transaction. */
  isWanted(): boolean {
    const { signal } = this.request;
    if (signal?.aborted) this.settle({ error: signal.reason });
    return !this.#isSettled;
  }

  settle(outcome: AppendOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if ("error" in outcome) this.#reject(outcome.error);
    else this.#resolve(outcome.result);
  }
}
