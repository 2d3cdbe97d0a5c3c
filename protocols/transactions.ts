import type { CandidateEvent, EventShape, StoredEvent } from "./event.js";
import type { EventFilter } from "./filter.js";
import type { Records } from "./records.js";
import type { SQL, SQLStatement, SQLValue } from "./sql.js";
import type { ExpectedVersion, ReadOptions, WriteResult } from "./stream.js";
import type { StreamFactory } from "./stream-factory.js";

/** What one stream gets in an atomic write to several. Without events it is a check: nothing is stored. */
export interface StreamWrite<E extends EventShape = EventShape> {
  /** The stream; none is named twice. */
  readonly streamId: string;
  /** Default: none. */
  readonly events?: CandidateEvent<E> | readonly CandidateEvent<E>[] | undefined;
  /** The version that the stream must have. Default `"any"`. It is compared even when there are no events. */
  readonly expectedVersion?: ExpectedVersion | undefined;
}

/**
 * A condition on the whole store (a dynamic consistency boundary): the write holds only while no event after a position
 * matches. The names are those of the DCB specification (https://dcb.events/specification/).
 *
 * A rule of uniqueness needs none: write to a stream whose id is the value, with `expectedVersion: 0`.
 */
export interface AppendCondition {
  /** A filter, or several that are alternatives: the clauses of one must all hold. */
  readonly failIfEventsMatch: EventFilter | readonly EventFilter[];
  /** Only events after this position count (exclusive). Default 0: all of the store. */
  readonly after?: number | undefined;
}

/** The options of {@link AtomicStreamFactory.writeAll}. */
export interface WriteAllOptions {
  /** All must hold. At most `MAX_CONDITIONS`, each of at most `MAX_CONDITION_FILTERS` filters of `MAX_CONDITION_CLAUSES` clauses. */
  readonly conditions?: AppendCondition | readonly AppendCondition[] | undefined;
  /** Cancels the write before its transaction begins. */
  readonly signal?: AbortSignal | undefined;
}

/** A store that writes to several streams in one atomic step. */
export interface AtomicStreamFactory extends StreamFactory {
  /**
   * Stores events in several streams, all or nothing, in the order given. Watchers get them as one commit, with neighbouring
   * positions.
   *
   * Each expected version, each idempotency key and each condition is decided on one state of the store. When every event is
   * stored already, it is a retry: it succeeds with `written: 0` everywhere, whatever versions and conditions say. A call
   * without any event is never a retry: its checks are made. When some events are stored already, a write that has some of
   * them and expects a number is a conflict; otherwise the rest is stored.
   *
   * Where it has events for more than one stream, the metadata of each gets the same `transactionId`, unless the caller gives
   * one. A retry does not compare it.
   *
   * @returns one result for each write, in order; for a write without events the stream's own version and position.
   * @throws ConcurrencyError which names the stream.
   * @throws ConditionError which names the first event that matched.
   * @throws IdempotencyConflictError when a key is already stored with another event.
   * @throws InvalidArgumentError when a stream is named twice, or there are more than `MAX_UNIT_STREAMS` of them or more than
   * `MAX_UNIT_EVENTS` events.
   * @throws InvalidEventError, InvalidFilterError, ReadOnlyStreamError, StorageError or StreamClosedError as `Stream.write`.
   *
   * @example
   * ```ts
   * await streams.writeAll([
   *   { streamId: "email-ada@example.com", expectedVersion: 0, events: { type: "Reserved", data: null } },
   *   { streamId: "user-1", expectedVersion: 0, events: { type: "Registered", data: { email: "ada@example.com" } } },
   * ]);
   * ```
   */
  writeAll(writes: readonly StreamWrite[], options?: WriteAllOptions): Promise<readonly WriteResult[]>;
}

/** A store whose writes to several streams, records and tables are one. */
export interface TransactionalStreamFactory extends AtomicStreamFactory {
  /**
   * Runs `work` alone on the store's only writing connection, and commits what it did, or nothing. It takes its place in the
   * order of the calls, among `write`s too. Transactions that wait at the same time share a commit: when the promise resolves,
   * it is durable. `work` runs once.
   *
   * Inside, use `tx` alone. Any other call of this factory or its handles would wait for the transaction's own end, or read
   * an older state: from Node 24 on, and with the option `findMisuse`, it is refused with `TRANSACTION_MISUSE`. Otherwise
   * `timeoutMs` ends the transaction, and the error names the calls that waited. Every writer of the store waits for `work`,
   * so do not wait for the network in it.
   *
   * A call of `tx` that fails dooms the transaction, even if its error is caught: `transaction` rejects with it. Calls of
   * `tx` that are still running when `work` ends are waited for.
   *
   * @throws whatever `work` throws; then nothing is stored.
   * @throws TransactionError `TRANSACTION_TIMEOUT` when it takes longer than `timeoutMs`; `TRANSACTION_MISUSE` when it uses
   * anything but `tx`, or uses `tx` after its end.
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws StreamClosedError when the factory has been disposed.
   * @throws StorageError when the commit fails.
   *
   * @example
   * ```ts
   * await streams.transaction(async (tx) => {
   *   const { written } = await tx.write("account-1", { type: "Withdrawn", data: { amount: 30 }, idempotencyKey: "w-1" });
   *   if (written === 0) return;
   *   await tx.sql.run(sql`UPDATE accounts SET balance = balance - ${30} WHERE id = ${"account-1"}`);
   * });
   * ```
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /**
   * Reads the application's tables with a connection that cannot write, outside any transaction.
   *
   * `signal` interrupts a statement that is running where the driver can: over `sqlite3`, not over those that run on the
   * main thread.
   *
   * @throws StorageError `STORAGE_UNSUPPORTED` where the store has no SQL; `STORAGE_READ_ONLY` when the statement would change
   * something; otherwise when it fails.
   * @throws InvalidArgumentError when it is not one allowed statement, or a value cannot be bound.
   * @throws StreamClosedError when the factory has been disposed.
   *
   * @example
   * ```ts
   * const rich = await streams.query<{ id: string }>(sql`SELECT id FROM accounts WHERE balance > ${1_000_000}`);
   * ```
   */
  query<Row = Record<string, SQLValue>>(statement: SQLStatement, options?: QueryOptions): Promise<Row[]>;
}

/** The options of {@link TransactionalStreamFactory.query}. */
export interface QueryOptions {
  /** Ends the query: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The options of {@link TransactionalStreamFactory.transaction}. */
export interface TransactionOptions {
  /**
   * How long the transaction may take, in milliseconds, from when `work` begins until it is rolled back; the waiting before
   * is not counted. A statement that is running is waited for. Default 2,000, at most 60,000.
   */
  readonly timeoutMs?: number | undefined;
  /** Gives up waiting; aborted later, the transaction is rolled back and rejects with the reason, unless it has committed. */
  readonly signal?: AbortSignal | undefined;
}

/** Everything that a transaction can do. It sees the newest state of the store, and what it has done itself. */
export interface Transaction {
  /** The last position before this transaction. */
  readonly position: number;
  /**
   * Stores events in a stream, as `Stream.write` does. Nobody sees them before the commit. The metadata of each get the same
   * `transactionId`, unless the caller gives one.
   */
  write<E extends EventShape = EventShape>(
    streamId: string,
    events: CandidateEvent<E> | readonly CandidateEvent<E>[],
    options?: { readonly expectedVersion?: ExpectedVersion | undefined },
  ): Promise<WriteResult>;
  /** Reads a stream, as `Stream.read` does. */
  read<E extends EventShape = EventShape>(streamId: string, options?: ReadOptions): AsyncIterable<StoredEvent<E>>;
  /** The stream's version, which stays until the commit unless this transaction writes to it; for `@all` the last position. */
  version(streamId: string): Promise<number>;
  /**
   * Checks a condition. It counts events up to `position` only, never this transaction's own.
   *
   * @throws ConditionError which names the first event that matched.
   */
  require(condition: AppendCondition): Promise<void>;
  /** The application's records. */
  readonly records: Records;
  /** The application's tables. Its calls fail with `STORAGE_UNSUPPORTED` where the store has no SQL. */
  readonly sql: SQL;
}
