import type { StorageSession } from "../../../protocols/index.js";
import { PendingCall } from "../append/pending-append.js";

/** The callback of a transaction, with its result as what its caller knows. */
export type TransactionWork = (session: StorageSession) => Promise<unknown>;

/** A transaction that waits for its turn. */
export class PendingTransaction extends PendingCall<unknown> {
  readonly attempt = "commit a transaction";
  readonly work: TransactionWork;

  constructor(
    work: TransactionWork,
    lockDeadline: number,
    signal: AbortSignal | undefined,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(lockDeadline, signal, resolve, reject);
    this.work = work;
  }
}
