import { AsyncLocalStorage } from "node:async_hooks";
import type { SQLiteStreamFactory, Transaction } from "async-streams";

/** A transaction of the application computes between its statements. */
const TIMEOUT_MS = 10_000;

/** The store, and the transaction that the caller is in. */
export class SQLiteSession {
  readonly streams: SQLiteStreamFactory;
  readonly #current = new AsyncLocalStorage<Transaction>();

  constructor(streams: SQLiteStreamFactory) {
    this.streams = streams;
  }

  /** The transaction that the caller is in. */
  get current(): Transaction | undefined {
    return this.#current.getStore();
  }

  /** Runs `work` in the transaction that the caller is in, or in one of its own. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { current } = this;
    if (current !== undefined) return work(current);
    return this.streams.transaction((tx) => this.#current.run(tx, () => work(tx)), { timeoutMs: TIMEOUT_MS });
  }
}
