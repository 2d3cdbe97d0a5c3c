import type { AppendRequest, AppendResult, AppendUnit, TransactOptions } from "../../../protocols/index.js";
import { PendingWork } from "../../../src/adapter-kit/pending-work.js";
import { takeAppends } from "../../../src/adapter-kit/take-appends.js";
import type { AppendGroup } from "../append/append-group.js";
import type { AppendOutcome, GroupMember } from "../append/append-plan.js";
import { MAX_STATEMENT_CHARACTERS } from "../append/event-rows.js";
import { type AppendResults, type LockedCall, PendingAppend } from "../append/pending-append.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { LockClock } from "../retry-busy.js";
import { isBusy, storageError } from "../sqlite-errors.js";
import { type DoInParts, PendingTransaction, type TransactionWork } from "./pending-transaction.js";
import { type Member, SharedCommit, type WrittenContent } from "./shared-commit.js";
import { BEGIN } from "./transaction.js";
import type { WalCheckpointer } from "./wal-checkpointer.js";
import type { Writer } from "./writer.js";

/** The context of the queue. */
export interface WriteQueueContext {
  readonly writer: Writer;
  readonly group: AppendGroup;
  readonly location: string;
  readonly lock: LockClock;
  /** Absent where there is no log to keep short. */
  readonly checkpointer: WalCheckpointer | undefined;
}

/**
 * The calls that wait for the writing connection, in their order: appends and transactions.
 *
 * While one commit is under way, what arrives waits. Then appends alone become one group, up to a limit, which
 * needs no transaction that is open over several statements. With a transaction among them they share a commit. Each call
 * has an outcome of its own.
 */
export class WriteQueue {
  readonly #context: WriteQueueContext;
  #waiting: PendingCallOfQueue[] = [];
  /** How many of those that wait are transactions. */
  #transactions = 0;
  #isScheduled = false;
  /** How long the COMMIT of the last shared commit took. */
  #lastCommitMs = 0;
  readonly #storing = new PendingWork();

  constructor(context: WriteQueueContext) {
    this.#context = context;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#appendMember(request) as Promise<AppendResult>;
  }

  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    return this.#appendMember(unit) as Promise<readonly AppendResult[]>;
  }

  #appendMember(member: GroupMember): Promise<AppendResults> {
    return new Promise((resolve, reject) => {
      this.#add(new PendingAppend(member, this.#context.lock.deadline(), resolve, reject));
    });
  }

  transact(work: TransactionWork, options: TransactOptions, inParts?: DoInParts): Promise<unknown> {
    const lockDeadline = options.isAlone ? Number.POSITIVE_INFINITY : this.#context.lock.deadline();
    return new Promise((resolve, reject) => {
      this.#transactions += 1;
      this.#add(new PendingTransaction(work, lockDeadline, options, resolve, reject, inParts));
    });
  }

  /** Resolves once every call that was accepted has settled. */
  drained(): Promise<void> {
    return this.#storing.drained();
  }

  #add(call: PendingCallOfQueue): void {
    this.#waiting.push(call);
    if (!this.#isScheduled) this.#schedule();
  }

  // At the end of this turn of the event loop, so that all callers of the last commit can be in the next one.
  #schedule(): void {
    this.#isScheduled = true;
    this.#storing.begin();
    setImmediate(() => void this.#storeWaiting());
  }

  // The next group is on its way before the callers of the one before are told: they go on while it is stored.
  async #storeWaiting(): Promise<void> {
    let tell: Tell = () => undefined;
    do {
      const storing = this.#transactions > 0 ? this.#shareCommit() : this.#storeGroup(this.#takeAppends());
      tell();
      tell = await storing;
    } while (this.#waiting.length > 0);
    this.#isScheduled = false;
    tell();
    this.#storing.end();
  }

  async #storeGroup(appends: readonly PendingAppend[]): Promise<Tell> {
    try {
      const tell = await this.#context.writer.use((connection) => this.#store(connection, appends));
      this.#written(contentOf(appends));
      return tell;
    } catch (error) {
      // Before the next group is planned on what is not true any more.
      this.#context.group.failed();
      return () => {
        for (const append of appends) this.#fail(append, error);
      };
    }
  }

  #store(connection: SQLiteConnection, appends: readonly PendingAppend[]): Promise<Tell> {
    const { group, lock } = this.#context;
    let begun = appends;
    // The last one was made last, and so gives up last.
    return lock.retryWhileBusy(appends.at(-1)?.lockDeadline ?? 0, async () => {
      begun = begun.filter((append) => append.isWanted());
      if (begun.length === 0) return () => undefined;
      const members = begun.map(({ member }) => member);
      let outcomes: readonly AppendOutcome[];
      try {
        outcomes = await group.store(connection, members);
      } catch (error) {
        if (isBusy(error)) this.#giveUpLate(begun, error);
        throw error;
      }
      return () => {
        for (let index = 0; index < begun.length; index += 1) begun[index]?.settle(outcomes[index] as AppendOutcome);
      };
    });
  }

  async #shareCommit(): Promise<Tell> {
    // Those that fail with a commit that does not begin. Others may come meanwhile, and wait for the next one.
    let unbegun: ReadonlySet<PendingCallOfQueue> = new Set(this.#waiting);
    const lockDeadline = this.#waiting.reduce((last, call) => Math.max(last, call.lockDeadline), 0);
    const onBegun = () => {
      unbegun = new Set();
    };
    try {
      return await this.#context.writer.use((connection) => this.#commitTogether(connection, lockDeadline, onBegun));
    } catch (error) {
      this.#keepWaiting((call) => !unbegun.has(call));
      return () => {
        for (const call of unbegun) this.#fail(call, error);
      };
    }
  }

  async #commitTogether(connection: SQLiteConnection, lockDeadline: number, onBegun: () => void): Promise<Tell> {
    const { lock, group, location } = this.#context;
    const isBegun = await lock.retryWhileBusy(lockDeadline, async () => {
      this.#keepWaiting((call) => call.isWanted());
      if (this.#waiting.length === 0) return false;
      await connection.run(BEGIN).catch((error: unknown) => {
        if (isBusy(error)) this.#giveUpLate(this.#waiting, error);
        throw error;
      });
      return true;
    });
    if (!isBegun) return () => undefined;
    const commit = new SharedCommit(connection, { group, location, lastCommitMs: this.#lastCommitMs });
    const { tell, written, commitMs } = await commit.run(this.#members(onBegun));
    this.#lastCommitMs = commitMs;
    this.#written(written);
    return tell;
  }

  /** @param onBegun - called before the first is taken: what fails from then on is for those that were taken */
  #members(onBegun: () => void) {
    const queue = this;
    return {
      next: () => {
        onBegun();
        return queue.#takeMember();
      },
      splitUp: (transactions: readonly PendingTransaction[]) => queue.#splitUp(transactions),
      get isTransactionNext() {
        return queue.#next() instanceof PendingTransaction;
      },
      get isAloneNext() {
        const next = queue.#next();
        return next instanceof PendingTransaction && next.isAlone;
      },
    };
  }

  /** The next member of a shared commit: a transaction, or the appends before the next one. */
  #takeMember(): Member | undefined {
    const next = this.#next();
    if (next === undefined) return undefined;
    if (!(next instanceof PendingTransaction)) return this.#takeAppends().filter((append) => append.isWanted());
    this.#waiting.shift();
    this.#transactions -= 1;
    return next;
  }

  /** The next call that still wants to be stored. */
  #next(): PendingCallOfQueue | undefined {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.isWanted()) return first;
      this.#waiting.shift();
      if (first instanceof PendingTransaction) this.#transactions -= 1;
    }
    return undefined;
  }

  /** Before all that waits: calls keep their order. */
  #splitUp(transactions: readonly PendingTransaction[]): void {
    const parts = transactions.flatMap((transaction) => transaction.splitUp(this.#context.lock.deadline()));
    this.#waiting.unshift(...parts);
    this.#transactions += parts.length;
  }

  #takeAppends(): readonly PendingAppend[] {
    return takeAppends(this.#waiting, (call) => call instanceof PendingAppend, MAX_STATEMENT_CHARACTERS);
  }

  #keepWaiting(isKept: (call: PendingCallOfQueue) => boolean): void {
    this.#waiting = this.#waiting.filter(isKept);
    this.#transactions = this.#waiting.filter((call) => call instanceof PendingTransaction).length;
  }

  /** Rejects those that have waited for the lock as long as they may, while others of their group still wait. */
  #giveUpLate(calls: readonly PendingCallOfQueue[], error: unknown): void {
    for (const call of calls) if (this.#context.lock.isPast(call.lockDeadline)) this.#fail(call, error);
  }

  #fail(call: LockedCall<never>, error: unknown): void {
    call.fail(storageError(error, call.attempt, this.#context.location));
  }

  #written({ characters, indexPages }: WrittenContent): void {
    this.#context.checkpointer?.written(characters, indexPages);
  }
}

type PendingCallOfQueue = PendingAppend | PendingTransaction;

function contentOf(appends: readonly PendingAppend[]): WrittenContent {
  let characters = 0;
  let indexPages = 0;
  for (const append of appends) {
    characters += append.characters;
    indexPages += append.indexPages;
  }
  return { characters, indexPages };
}

/** Tells the callers of a commit what became of their calls. */
type Tell = () => void;
