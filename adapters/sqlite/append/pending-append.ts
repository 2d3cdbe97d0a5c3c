import type { AppendResult } from "../../../protocols/index.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { type AppendOutcome, type GroupMember, requestsOf } from "./append-plan.js";
import { eventCharacters } from "./event-rows.js";

/** What an append results in, or each of a unit's. */
export type AppendResults = AppendResult | readonly AppendResult[];

/** A call that waits for the writing connection. */
export abstract class PendingCall<Result> {
  /** The moment on the clock of the lock at which it gives up. */
  readonly lockDeadline: number;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  #isSettled = false;

  constructor(
    lockDeadline: number,
    signal: AbortSignal | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.lockDeadline = lockDeadline;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** What it attempts, for messages: `write to stream "a"`. */
  abstract readonly attempt: string;

  /** Whether it still wants to be done; asked right before each attempt to begin a transaction. */
  isWanted(): boolean {
    if (this.#signal?.aborted) this.fail(this.#signal.reason);
    return !this.#isSettled;
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

/** An append, or a unit of several, that waits for its transaction. */
export class PendingAppend extends PendingCall<AppendResults> {
  readonly member: GroupMember;
  readonly events: number;
  /** How much content it stores. */
  readonly characters: number;
  /** How many pages of indexes it changes at most: that of each stream, and one for each key. */
  readonly indexPages: number;

  constructor(
    member: GroupMember,
    lockDeadline: number,
    resolve: (result: AppendResults) => void,
    reject: (error: unknown) => void,
  ) {
    super(lockDeadline, member.signal, resolve, reject);
    this.member = member;
    let events = 0;
    let characters = 0;
    let indexPages = 0;
    for (const request of requestsOf([member])) {
      indexPages += 1;
      events += request.events.length;
      for (const event of request.events) {
        characters += eventCharacters(event);
        if (event.idempotencyKey !== null) indexPages += 1;
      }
    }
    this.events = events;
    this.characters = characters;
    this.indexPages = indexPages;
  }

  get attempt(): string {
    return attemptOf(requestsOf([this.member]));
  }

  settle(outcome: AppendOutcome): void {
    if ("error" in outcome) this.fail(outcome.error);
    else this.succeed(outcome.result);
  }
}
