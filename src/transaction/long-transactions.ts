import { StorageError, type StreamFactory } from "../../protocols/index.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { runTransaction, type TransactionContext, type TransactionWork } from "./run-transaction.js";

// By name, so that it is found across copies of the package, and through objects that forward to a factory.
const LONG_TRANSACTIONS: unique symbol = Symbol.for("async-streams.LongTransactions");

/** Transactions of the library's own modules, which may take long. They are no part of what a factory shows. */
export interface LongTransactions {
  readonly location: string | undefined;
  /**
   * Runs a transaction that has no time-out and shares its commit with nobody.
   *
   * @param call - the public call that it is part of, such as `migrate`
   */
  run<T>(call: string, work: TransactionWork<T>, signal: AbortSignal | undefined): Promise<T>;
}

/** Gives a factory over transactional storage what {@link longTransactionsOf} finds. */
export function addLongTransactions(
  streams: StreamFactory,
  context: TransactionContext & Pick<StreamContext, "lifetime">,
): void {
  const { storage, lifetime, calls } = context;
  const transactions: LongTransactions = {
    location: storage.location,
    async run(call, work, signal) {
      lifetime.assertOpen(call);
      calls.assertOutside(call);
      return runTransaction(context, call, work, { timeoutMs: undefined, signal, isAlone: true });
    },
  };
  Object.defineProperty(streams, LONG_TRANSACTIONS, { value: transactions });
}

/**
 * @param attempt - such as `migrate the tables`
 * @throws InvalidArgumentError when it is no store
 * @throws StorageError `STORAGE_UNSUPPORTED` when the store has no transactions
 */
export function longTransactionsOf(streams: unknown, attempt: string): LongTransactions {
  const isStore = typeof streams === "object" && streams !== null && "openStream" in streams;
  if (!isStore) throw invalidArgument("streams", `expected a store, got ${describeValue(streams)}`);
  if (LONG_TRANSACTIONS in streams) return streams[LONG_TRANSACTIONS] as LongTransactions;
  const message = `Cannot ${attempt}: this store has no transactions. Use a store over SQLite.`;
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}
