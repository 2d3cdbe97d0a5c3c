import type { AppendResult } from "../../../protocols/index.js";
import { PendingCall } from "../../../src/adapter-kit/pending-call.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { type AppendOutcome, type GroupMember, isUnit, requestsOf } from "./append-plan.js";
import { eventCharacters } from "./event-rows.js";

/** What an append results in, or each of a unit's. */
export type AppendResults = AppendResult | readonly AppendResult[];

/** A call that waits for the lock of the file, for no longer than it may. */
export abstract class LockedCall<Result> extends PendingCall<Result> {
  /** The moment on the clock of the lock at which it gives up. */
  readonly lockDeadline: number;

  constructor(
    lockDeadline: number,
    signal: AbortSignal | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    super(signal, resolve, reject);
    this.lockDeadline = lockDeadline;
  }
}

/** An append, or a unit of several, that waits for its transaction. */
export class PendingAppend extends LockedCall<AppendResults> {
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
    for (const request of isUnit(member) ? member.requests : [member]) {
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
