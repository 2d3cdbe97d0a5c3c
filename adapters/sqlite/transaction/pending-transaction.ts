import type { TransactOptions } from "../../../protocols/index.js";
import { LockedCall } from "../append/pending-append.js";
import type { TransactionSession } from "./transaction-session.js";

/** The callback of a transaction, with its result as what its caller knows. */
export type TransactionWork = (session: TransactionSession) => Promise<unknown>;

/** Does the parts of a transaction's work by transactions of their own, each of which it asks for at once. */
export type DoInParts = (transact: (work: TransactionWork) => Promise<unknown>) => Promise<unknown>;

/** A transaction that waits for its turn. */
export class PendingTransaction extends LockedCall<unknown> {
  /** What is attempted, for messages. */
  readonly attempt: string;
  readonly work: TransactionWork;
  /** Whether it shares its commit with nobody. */
  readonly isAlone: boolean;
  /** Interrupts what it runs. Absent where others would be undone with it. */
  readonly interrupt: AbortSignal | undefined;
  readonly #inParts: DoInParts | undefined;

  /** @param inParts - what to do instead where the commit fails because of one part, which nothing says */
  constructor(
    work: TransactionWork,
    lockDeadline: number,
    { signal, isAlone = false, attempt = "run a transaction" }: TransactOptions,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
    inParts?: DoInParts,
  ) {
    super(lockDeadline, signal, resolve, reject);
    this.attempt = attempt;
    this.work = work;
    this.isAlone = isAlone;
    this.interrupt = isAlone ? signal : undefined;
    this.#inParts = inParts;
  }

  get hasParts(): boolean {
    return this.#inParts !== undefined;
  }

  /** The transactions that take its place. It settles once all of them have. */
  splitUp(lockDeadline: number): readonly PendingTransaction[] {
    const parts: PendingTransaction[] = [];
    const transact = (work: TransactionWork) =>
      new Promise<unknown>((resolve, reject) => {
        parts.push(new PendingTransaction(work, lockDeadline, {}, resolve, reject));
      });
    this.#inParts?.(transact).then(
      (result) => this.succeed(result),
      (error: unknown) => this.fail(error),
    );
    return parts;
  }
}
