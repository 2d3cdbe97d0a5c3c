import type { TransactOptions } from "../../../protocols/index.js";
import { PendingCall } from "../../../src/adapter-kit/pending-call.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { onAbort } from "../../../src/watch/abort-listeners.js";
import { type AppendOutcome, type GroupMember, requestsOf } from "../append/append-member.js";
import type { Entry } from "../append/append-run.js";
import { charactersOf } from "../append/call-size.js";
import type { PostgresSession } from "./postgres-session.js";

type AppendResults = Extract<AppendOutcome, { readonly result: unknown }>["result"];

/** An append, or a unit of several, that waits. */
export class PendingAppend extends PendingCall<AppendResults> implements Entry {
  readonly member: GroupMember;
  readonly events: number;
  readonly characters: number;
  /** It begins: from then on its signal has no effect. */
  readonly stopListening: () => void;
  readonly settle: Entry["settle"] = (outcome) => {
    if ("error" in outcome) this.fail(outcome.error);
    else this.succeed(outcome.result);
  };

  constructor(member: GroupMember, resolve: (result: AppendResults) => void, reject: (error: unknown) => void) {
    super(member.signal, resolve, reject);
    this.member = member;
    this.events = requestsOf(member).reduce((sum, { events }) => sum + events.length, 0);
    this.characters = charactersOf([member]);
    const { signal } = member;
    // The wait for a server that is away may be long.
    this.stopListening = signal === undefined ? () => undefined : onAbort(signal, () => this.isWanted());
  }

  get attempt(): string {
    return attemptOf(requestsOf(this.member));
  }

  override fail(error: unknown): void {
    // A signal may live for longer than all of its calls.
    this.stopListening();
    super.fail(error);
  }
}

/** The callback of a transaction, with its result as what its caller knows. */
export type TransactionWork = (session: PostgresSession) => Promise<unknown>;

/** A transaction that waits. */
export class PendingTransaction extends PendingCall<unknown> {
  /** What is attempted, for messages. */
  readonly attempt: string;
  readonly work: TransactionWork;
  readonly options: TransactOptions;
  /** Rejects when the callback is waited for no longer. */
  readonly abandoned: Promise<never>;
  /** Ends the waiting for the callback. Has no effect on a commit that is under way. */
  readonly abandon: (reason: Error) => void;

  constructor(
    work: TransactionWork,
    options: TransactOptions,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(options.signal, resolve, reject);
    this.attempt = options.attempt ?? "run a transaction";
    this.work = work;
    this.options = options;
    let abandon: (reason: Error) => void = () => undefined;
    this.abandoned = new Promise((_, rejectAbandoned) => {
      abandon = rejectAbandoned;
    });
    this.abandoned.catch(() => undefined);
    this.abandon = abandon;
  }
}
