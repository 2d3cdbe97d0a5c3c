import type { TransactOptions } from "../../../protocols/index.js";
import { LockedCall } from "../append/pending-append.js";
import type { TransactionSession } from "./transaction-session.js";

/** The callback of a transaction, with its result as what its caller knows. */
export type TransactionWork = (session: TransactionSession) => Promise<unknown>;

/** A transaction that waits for its turn. */
export class PendingTransaction extends LockedCall<unknown> {
  readonly attempt = "commit a transaction";
  readonly work: TransactionWork;
  /** Whether it shares its commit with nobody. */
  readonly isAlone: boolean;
  /** Interrupts what it runs. Absent where others would be undone with it. */
  readonly interrupt: AbortSignal | undefined;

  constructor(
    work: TransactionWork,
    lockDeadline: number,
    { signal, isAlone = false }: TransactOptions,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(lockDeadline, signal, resolve, reject);
    this.work = work;
    this.isAlone = isAlone;
    this.interrupt = isAlone ? signal : undefined;
  }
}
