import type { ParsedClause } from "./filter.js";
import type { ListRecordsOptions, Records, StoredRecord } from "./records.js";
import type { SQL, SQLStatement, SQLValue } from "./sql.js";
import type { AppendRequest, AppendResult, EventPage, ReadQuery, StorageHandle } from "./storage-handle.js";

/** A storage handle that can append to several streams in one step. With it a factory has `writeAll`. */
export interface AtomicStorage extends StorageHandle {
  /**
   * Stores all events of the unit or none, as one atomic step. `decideUnit` implements the rules: whether it is a retry,
   * then versions, then conditions.
   *
   * @returns one result for each request, in order.
   * @throws ConcurrencyError, ConditionError or IdempotencyConflictError as `writeAll`.
   * @throws the signal's reason when it is aborted before the transaction begins; later it has no effect.
   */
  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]>;
}

/** One atomic write to several streams. */
export interface AppendUnit {
  /** Each for another stream. One without events is a check of its expected version, marked `checkOnly`. */
  readonly requests: readonly UnitRequest[];
  /**
   * Each fails if an event after a position, and before the unit, matches one of its filters. The core has looked at what
   * was stored before, so that little is left to be looked at inside the transaction.
   */
  readonly conditions: readonly ParsedCondition[];
  /** Cancels the append before its transaction begins. */
  readonly signal?: AbortSignal | undefined;
}

/** A part of a unit: what one stream gets, or the check of one. */
export interface UnitRequest extends AppendRequest {
  /** Whether there are no events, and only the expected version is checked. Default false. */
  readonly checkOnly?: boolean | undefined;
}

/** A condition as adapters get it. */
export interface ParsedCondition {
  /** Alternatives; the clauses of one must all hold. */
  readonly anyOf: readonly (readonly ParsedClause[])[];
  /** Only events after this position count (exclusive). */
  readonly after: number;
}

/**
 * A storage handle with transactions. With it a factory has `transaction`, `query` and `writeAll`, and everything that is
 * built on them: one method is enough.
 */
export interface TransactionalStorage extends StorageHandle {
  /**
   * Runs `work` while nobody else commits events after the session's `head`, and commits all of it, or undoes it when `work`
   * rejects. May share the commit with neighbours. Begins in the order of the calls, appends included. Resolves when it is
   * durable.
   *
   * The core makes one call of the session at a time. It makes none after one that failed, and none after `work` has settled.
   * `work` settles as soon as its time is up.
   *
   * @throws whatever `work` rejects with.
   * @throws StorageError when the commit fails.
   * @throws the signal's reason when it is aborted before `work` begins; later the core ends `work`.
   */
  transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T>;

  /**
   * Appends several requests in one transaction, and calls `join` in it for what takes part in them, such as a projection.
   *
   * - `take` is called once, when the transaction begins: requests join those that wait until then.
   * - Each request has an outcome of its own. A conflict leaves the others as they are.
   * - `join` is called once, with the requests that have stored something, if there are any. When it rejects, what they stored
   *   is undone. Then each request is tried alone, with a call of `join` of its own, in order and before any later call.
   *
   * Absent: the core stores each request with `transact`.
   *
   * @returns one outcome for each request, in order.
   * @throws StorageError when the transaction does not begin, or its commit fails: then none of them is stored.
   */
  appendTogether?(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]>;

  /**
   * Lists records as a session does, outside any transaction: as they were committed last, while nobody waits for it.
   *
   * Absent: the core lists them in a transaction.
   */
  listRecords?(space: string, options: ListRecordsOptions): Promise<readonly StoredRecord[]>;

  /**
   * Reads tables with a connection that cannot write. Absent where there is no SQL.
   *
   * @throws StorageError when the statement fails.
   */
  query?(statement: SQLStatement, options: Pick<TransactOptions, "signal">): Promise<Record<string, SQLValue>[]>;
}

/** The requests that share a transaction, in the order of their calls. None where all were cancelled. */
export type TakeRequests = () => readonly AppendRequest[];

/** Does what has to be done in the transaction that has stored these requests. */
export type JoinAppends = (session: StorageSession, stored: readonly AppendRequest[]) => Promise<void>;

/** The outcome of one of several requests. */
export type RequestOutcome =
  | {
      /** As that of `append`. */
      readonly result: AppendResult;
    }
  | {
      /** Why nothing of it is stored. */
      readonly error: unknown;
    };

/** The options of {@link TransactionalStorage}. */
export interface TransactOptions {
  /** Ends the waiting, and a query. */
  readonly signal?: AbortSignal | undefined;
  /**
   * After how many milliseconds the core ends `work`. A backend whose writers are in other processes too may end the
   * transaction itself a little later, in case this process has stopped. Default: never.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether the transaction may take long: it shares its commit with nobody, waits for locks of other processes until
   * `signal` is aborted, and then its running statement may be interrupted. Default false.
   */
  readonly isAlone?: boolean | undefined;
  /** What the transaction is for, in error messages, such as `delete stream "a"`. Default: any. */
  readonly attempt?: string | undefined;
}

/** An open transaction, as `work` gets it. Its calls see what earlier ones did. */
export interface StorageSession {
  /** The last position before the transaction. */
  readonly head: number;
  /** As {@link StorageHandle.append}. A version conflict or a key conflict need not undo anything: `work` will reject. */
  append(request: AppendRequest): Promise<AppendResult>;
  /** As {@link StorageHandle.readPage}. */
  readPage(query: ReadQuery): Promise<EventPage>;
  /** The records, spaces that begin with `@` included. Arguments are valid. */
  readonly records: Records;
  /** The application's tables. Absent where there is no SQL. */
  readonly sql?: SQL | undefined;
  /**
   * Runs any number of statements in one text, which the database splits. They take no values, and none may end the
   * transaction. Absent where there is no SQL.
   *
   * @throws InvalidArgumentError when it has a statement that `sql` refuses, or a placeholder.
   * @throws StorageError when a statement fails.
   */
  runScript?(script: string): Promise<void>;
}
