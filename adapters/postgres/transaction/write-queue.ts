import type { AppendRequest, AppendResult, AppendUnit, TransactOptions } from "../../../protocols/index.js";
import { PendingWork } from "../../../src/adapter-kit/pending-work.js";
import { takeAppends } from "../../../src/adapter-kit/take-appends.js";
import { AppendRun } from "../append/append-run.js";
import { MAX_CALL_CHARACTERS } from "../append/call-size.js";
import { findStored } from "../append/find-stored.js";
import { ConnectionLostError } from "../client/client.js";
import type { Session } from "../open/session.js";
import { outcomeUnknown, storageError } from "../postgres-errors.js";
import { PendingAppend, PendingTransaction } from "./pending-call.js";
import type { PostgresSession } from "./postgres-session.js";
import { runTransaction, type WritingContext } from "./run-transaction.js";

type Call = PendingAppend | PendingTransaction;

/**
 * The calls that wait for the writing connection, in their order: appends and transactions. While one commit is under way,
 * what arrives waits. Then the appends before the next transaction become one group, up to a limit.
 */
export class WriteQueue {
  readonly #context: WritingContext;
  #waiting: Call[] = [];
  /** What is being stored. */
  #current: readonly Call[] = [];
  /** Whether the last commit was of one call, and there are no callers of others to wait for. */
  #wasAlone = true;
  #isScheduled = false;
  readonly #storing = new PendingWork();

  constructor(context: WritingContext) {
    this.#context = context;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#appendMember(request) as Promise<AppendResult>;
  }

  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    return this.#appendMember(unit) as Promise<readonly AppendResult[]>;
  }

  transact<T>(work: (session: PostgresSession) => Promise<T>, options: TransactOptions): Promise<T> {
    return this.#transact(work, options, (pending) => this.#waiting.push(pending));
  }

  /** Runs a transaction before all that waits: what a call whose transaction has just ended has left to do. */
  transactNext<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return this.#transact(work, {}, (pending) => this.#waiting.unshift(pending));
  }

  /**
   * Gives up what was accepted, because the disposal may not take longer. Calls fail as the writer is abandoned; a callback
   * that goes on is waited for no longer.
   *
   * @returns what is not finished, of which the first may be stored
   */
  abandon(reason: Error): { readonly underWay: readonly string[]; readonly waiting: readonly string[] } {
    // Also one that was aborted meanwhile: it may be stored.
    const underWay = this.#current.filter((call) => !call.isSettled);
    const waiting = this.#waiting.filter((call) => call.isWanted());
    const attempts = { underWay: underWay.map(attemptOf), waiting: waiting.map(attemptOf) };
    for (const call of underWay) if (call instanceof PendingTransaction) call.abandon(this.#failure(reason, call));
    return attempts;
  }

  /** Resolves once every call that was accepted has settled. */
  drained(): Promise<void> {
    return this.#storing.drained();
  }

  #appendMember(member: AppendRequest | AppendUnit): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(new PendingAppend(member, resolve, reject));
      this.#schedule();
    });
  }

  #transact<T>(
    work: (session: PostgresSession) => Promise<T>,
    options: TransactOptions,
    add: (pending: PendingTransaction) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      // The result is that of its own callback.
      const succeed = (result: unknown): void => resolve(result as T);
      add(new PendingTransaction(work, options, succeed, reject));
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#storing.begin();
    void this.#storeWaiting();
  }

  async #storeWaiting(): Promise<void> {
    do {
      await this.#callersHaveCalled();
      await this.#storeNext();
    } while (this.#waiting.length > 0);
    this.#isScheduled = false;
    this.#storing.end();
  }

  /**
   * All callers of the last commit can be in the next one, and all that call in this turn of the event loop. Where it was one
   * caller, it is enough to wait until all promises of now have settled, which takes a part of the time.
   */
  #callersHaveCalled(): Promise<void> {
    if (this.#wasAlone) return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
    return new Promise((resolve) => setImmediate(resolve));
  }

  async #storeNext(): Promise<void> {
    this.#dropUnwanted();
    const [first] = this.#waiting;
    if (first === undefined) return;
    let session: Session;
    try {
      session = await this.#context.writer.session();
    } catch (error) {
      // It may fail at once, each time: the event loop must go on for a caller who tries again and again.
      this.#wasAlone = false;
      // Those that waited meanwhile too: a later one would wait as long again.
      for (const call of this.#waiting.splice(0)) call.fail(this.#failure(error, call));
      return;
    }
    this.#dropUnwanted();
    const [next] = this.#waiting;
    if (next instanceof PendingTransaction) {
      this.#waiting.shift();
      this.#current = [next];
      await runTransaction(next, session, this.#context);
    } else if (next !== undefined) {
      const appends = this.#takeAppends();
      this.#current = appends;
      await this.#storeGroup(appends, session);
    }
    this.#wasAlone = this.#current.length <= 1;
    this.#current = [];
  }

  async #storeGroup(appends: readonly PendingAppend[], session: Session): Promise<void> {
    const { feed } = this.#context;
    const run = new AppendRun(appends, this.#context, false, (commit) => feed.publish(commit));
    try {
      await run.run(session.connection);
    } catch (error) {
      if (error instanceof ConnectionLostError && run.sent !== undefined) await this.#settle(run, session);
      run.fail((attempt) => this.#failure(error, { attempt }));
    }
  }

  /** Finds out which of the appends that were sent are stored. The others are not. */
  async #settle(run: AppendRun, { connection, backend }: Session): Promise<void> {
    const { writer, names, seen } = this.#context;
    const { sent } = run;
    if (sent === undefined) return;
    connection.destroy();
    try {
      run.apply(await writer.settle(backend, (fresh) => findStored(fresh, names, sent, seen)));
    } catch (error) {
      run.fail((attempt) => outcomeUnknown(error, attempt, this.#context.location));
    }
  }

  #takeAppends(): readonly PendingAppend[] {
    const appends = takeAppends(this.#waiting, (call) => call instanceof PendingAppend, MAX_CALL_CHARACTERS);
    for (const append of appends) append.stopListening();
    return appends;
  }

  #dropUnwanted(): void {
    this.#waiting = this.#waiting.filter((call) => call.isWanted());
  }

  #failure(error: unknown, { attempt }: { readonly attempt: string }): Error {
    return storageError(error, attempt, this.#context.location);
  }
}

function attemptOf({ attempt }: Call): string {
  return attempt;
}
