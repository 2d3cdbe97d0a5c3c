import type { AppendGroup } from "../append/append-group.js";
import type { AppendOutcome } from "../append/append-plan.js";
import type { AppendsInTransaction } from "../append/appends-in-transaction.js";
import { eventCharacters } from "../append/event-rows.js";
import type { PendingAppend } from "../append/pending-append.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isConstraint, sqliteCode, storageError } from "../sqlite-errors.js";
import { causeOf, isFatal } from "./fatal-error.js";
import { PendingTransaction } from "./pending-transaction.js";
import { rollBack } from "./transaction.js";
import { TransactionSession } from "./transaction-session.js";

/** How many members share a commit. */
const MAX_MEMBERS = 64;

/** How long after its beginning a commit takes further members, once a transaction is among them. */
const MAX_OPEN_MS = 20;

/** A member of a commit: a transaction, or appends that are planned together. */
export type Member = PendingTransaction | readonly PendingAppend[];

/** Where members come from, in the order of the calls. */
export interface WaitingMembers {
  /** The next one; undefined when nobody waits. */
  next(): Member | undefined;
  /** Whether the next one is a transaction. */
  readonly isTransactionNext: boolean;
  /** Whether the next one is a transaction that shares its commit with nobody. */
  readonly isAloneNext: boolean;
  /** Has the parts of these come next, in transactions of their own. */
  splitUp(transactions: readonly PendingTransaction[]): void;
}

/** What a commit is made with. */
export interface SharedCommitContext {
  readonly group: AppendGroup;
  readonly location: string;
  /** How long the COMMIT of the shared commit before took. */
  readonly lastCommitMs: number;
}

/** What has become of a commit. */
export interface SharedOutcome {
  /** Tells each member what became of it. */
  readonly tell: () => void;
  readonly written: WrittenContent;
  /** How long its COMMIT took, or the one before where it has none. */
  readonly commitMs: number;
}

/**
 * One commit of several members, each of which fails alone: all but the first run in a savepoint. The first needs none,
 * since nothing is lost when all of the transaction is rolled back with it.
 *
 * A transaction that comes behind appends begins in their commit only while that has been open for less than a COMMIT takes. The
 * appends would wait for its callback, which may take long; later, a COMMIT of their own is the shorter wait.
 *
 * Where the commit fails, or SQLite ends the transaction by itself, all members fail. If a constraint fails it, those that
 * have parts are split up.
 */
export class SharedCommit {
  /** What each member that was run has come to, once the commit is durable. */
  readonly #tell: (() => void)[] = [];
  /** The failures of members that failed alone, whatever becomes of the commit. */
  readonly #failures: (() => void)[] = [];
  /** The members that share the fate of the commit. */
  readonly #members: Member[] = [];
  readonly #connection: SQLiteConnection;
  readonly #context: SharedCommitContext;
  #isLast = false;
  #hasTransaction = false;
  #hasAppends = false;

  constructor(connection: SQLiteConnection, context: SharedCommitContext) {
    this.#connection = connection;
    this.#context = context;
  }

  /**
   * Runs members until nobody waits or a limit is reached, and commits. The transaction is open already.
   */
  async run(waiting: WaitingMembers): Promise<SharedOutcome> {
    const { lastCommitMs } = this.#context;
    try {
      const beganMs = performance.now();
      const appends = await this.#context.group.begin(this.#connection);
      const mustBeAlone = appends.hasDeferredKeys;
      for (let count = 0; count < MAX_MEMBERS && !this.#isLast; count += 1) {
        if (count > 0 && waiting.isAloneNext) break;
        if (count > 0 && mustBeAlone && (this.#hasTransaction || waiting.isTransactionNext)) break;
        const openMs = performance.now() - beganMs;
        if (this.#hasTransaction && openMs >= MAX_OPEN_MS) break;
        if (this.#hasAppends && waiting.isTransactionNext && openMs >= lastCommitMs) break;
        const member = waiting.next();
        if (member === undefined) break;
        if (!(await this.#runMember(member, appends))) {
          return { tell: () => this.#tellAll(), written: NOTHING, commitMs: lastCommitMs };
        }
      }
      const commitBeganMs = performance.now();
      await this.#connection.run("COMMIT");
      const commitMs = performance.now() - commitBeganMs;
      await this.#context.group.committed(this.#connection, appends);
      return { tell: () => this.#tellAll(), written: contentOf(appends), commitMs };
    } catch (error) {
      this.#context.group.failed();
      for (const fail of this.#failures) fail();
      // A deferred foreign key fails the commit, and nothing says whose it is.
      const split = isConstraint(error) ? this.#members.filter(hasParts) : [];
      for (const member of this.#members) {
        if (!split.some((other) => other === member)) failMember(member, error, this.#context.location);
      }
      waiting.splitUp(split);
      await rollBack(this.#connection);
      throw error;
    }
  }

  /** @returns false when the whole transaction was rolled back, because its first member failed */
  async #runMember(member: Member, appends: AppendsInTransaction): Promise<boolean> {
    const isFirst = this.#members.length === 0;
    this.#members.push(member);
    if (!isFirst) await this.#connection.run("SAVEPOINT es_member");
    try {
      this.#tell.push(await this.#store(member, appends));
    } catch (thrown) {
      const { error, failure } = thrown instanceof WorkFailure ? thrown : { error: thrown, failure: thrown };
      this.#failures.push(() => this.#failAlone(member, error));
      if (isFatal(failure)) throw causeOf(failure);
      appends.drop();
      if (isFirst) {
        await rollBack(this.#connection);
        return false;
      }
      await this.#undoMember().catch((undoError: unknown) => {
        throw sqliteCode(causeOf(failure)) === undefined ? undoError : causeOf(failure);
      });
      this.#members.pop();
      return true;
    }
    if (!isFirst) await this.#connection.run("RELEASE es_member");
    appends.keep();
    return true;
  }

  /** Fails when SQLite has ended the transaction by itself, and with it the other members. */
  async #undoMember(): Promise<void> {
    await this.#connection.run("ROLLBACK TO es_member");
    await this.#connection.run("RELEASE es_member");
  }

  async #store(member: Member, appends: AppendsInTransaction): Promise<() => void> {
    if (member instanceof PendingTransaction) return this.#runTransaction(member, appends);
    this.#hasAppends = true;
    const { outcomes } = await appends.store(member.map((append) => append.member));
    return () => {
      for (const [index, append] of member.entries()) append.settle(outcomes[index] as AppendOutcome);
    };
  }

  async #runTransaction(transaction: PendingTransaction, appends: AppendsInTransaction): Promise<() => void> {
    this.#hasTransaction = true;
    const session = new TransactionSession({
      connection: this.#connection,
      appends,
      head: await appends.head(),
      location: this.#context.location,
      interrupt: transaction.interrupt,
    });
    try {
      const result = await transaction.work(session);
      return () => transaction.succeed(result);
    } catch (error) {
      throw new WorkFailure(error, session.failure);
    } finally {
      this.#isLast ||= transaction.isAlone || session.sql.mayDeferKeys;
    }
  }

  /** What a callback has thrown is its caller's, and stays as it is. */
  #failAlone(member: Member, error: unknown): void {
    if (member instanceof PendingTransaction) member.fail(error);
    else failMember(member, error, this.#context.location);
  }

  #tellAll(): void {
    for (const tell of [...this.#failures, ...this.#tell]) tell();
  }
}

/**
 * What a callback has thrown, and what a statement of its session has failed with. Only the latter says what has become of the
 * transaction: the callback may throw the error of another database, or something that cannot be looked at.
 */
class WorkFailure {
  readonly error: unknown;
  readonly failure: unknown;

  constructor(error: unknown, failure: unknown) {
    this.error = error;
    this.failure = failure;
  }
}

/** How much a commit has stored, for those who keep the log short. */
export interface WrittenContent {
  readonly characters: number;
  readonly indexPages: number;
}

const NOTHING: WrittenContent = { characters: 0, indexPages: 0 };

function contentOf({ events }: AppendsInTransaction): WrittenContent {
  const characters = events.reduce((sum, { event }) => sum + eventCharacters(event), 0);
  return { characters, indexPages: events.length };
}

function hasParts(member: Member): member is PendingTransaction {
  return member instanceof PendingTransaction && member.hasParts;
}

function failMember(member: Member, error: unknown, location: string): void {
  for (const call of member instanceof PendingTransaction ? [member] : member) {
    call.fail(storageError(error, call.attempt, location));
  }
}
