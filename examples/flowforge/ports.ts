/** What the application knows of its database. Nothing outside the folders of the adapters names one. */

/** A stored event. */
export interface Event {
  readonly id: string;
  /** The part of `aggregateId` before the colon, `"default"` where there is none. */
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly eventType: string;
  /** The version of the payload's schema: `metadata.schemaVersion`, 1 where it is missing. */
  readonly eventVersion: number;
  /** Place in its aggregate: 1, 2, 3. */
  readonly seq: number;
  /** The same for all events of one transaction. */
  readonly txId: string;
  /** The event that led to this one: `metadata.causationId`. */
  readonly causedByEventId: string | null;
  readonly payload: Record<string, unknown>;
  /** As it was given; null where there is none. */
  readonly metadata: Record<string, unknown> | null;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface NewEvent {
  /** `type:id`, or an id alone. */
  readonly aggregateId: string;
  readonly eventType: string;
  readonly payload: Record<string, unknown>;
  readonly metadata?: Record<string, unknown> | undefined;
}

/** State after the event `lastSeq` of an aggregate. */
export interface Snapshot {
  readonly aggregateId: string;
  readonly lastSeq: number;
  readonly state: Record<string, unknown>;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface LoadArgs {
  readonly aggregateId: string;
  /** Only events after it. Default 0. */
  readonly afterSeq?: number | undefined;
  /** At most so many events. Default: all. */
  readonly limit?: number | undefined;
}

export interface EventStorePort {
  append(event: NewEvent): Promise<Event>;
  /** In the order of `seq`. */
  load(args: LoadArgs): Promise<Event[]>;
  latestSnapshot(args: { readonly aggregateId: string }): Promise<Snapshot | null>;
  /**
   * Replaces the snapshot of the aggregate, unless that is of a later event.
   *
   * @throws FlowForgeError `INVALID_ARGUMENT` when the aggregate has no event `lastSeq`.
   */
  saveSnapshot(snapshot: Omit<Snapshot, "createdAt">): Promise<void>;
}

export type Row = Record<string, unknown>;

export interface QueryArgs {
  readonly sql: string;
  /** The values of its placeholders, `?`. */
  readonly params?: readonly unknown[] | undefined;
}

export interface UpsertArgs {
  readonly table: string;
  /** Columns and their values. Objects are stored as JSON text. A row whose key is there changes only these columns. */
  readonly rows: readonly Row[];
}

export interface ProjectionStorePort {
  /** Runs any statement: the main process is trusted. A column named `__proto__` is missing in the rows: give it another name. */
  query(args: QueryArgs): Promise<Row[]>;
  /** All rows or none. */
  upsert(args: UpsertArgs): Promise<void>;
  /** Deletes all rows of a table. */
  truncate(args: { readonly table: string }): Promise<void>;
}

export interface TxPort {
  /**
   * Runs `fn` in a transaction: what the other ports do inside happens all at once, or, if `fn` throws, not at all. Nor does it
   * if the database refuses a statement, even where `fn` catches the error. Within another one it is a part of that.
   */
  runInTransaction<T>(fn: () => T | Promise<T>): Promise<T>;
}

export interface BlobStorePort {
  put(args: {
    readonly key: string;
    readonly data: Uint8Array;
    readonly contentType?: string | undefined;
  }): Promise<void>;
  get(args: { readonly key: string }): Promise<{ data: Buffer; contentType?: string } | null>;
  stat(args: { readonly key: string }): Promise<{ size: number; contentType?: string } | null>;
}

/** Runs the statements of a window, which nobody trusts. */
export interface WindowQueryPort {
  /**
   * Runs one statement that reads, within {@link QueryLimits}.
   *
   * @throws FlowForgeError `SQL_NOT_ALLOWED`, `QUERY_FAILED`, `QUERY_TIMEOUT` or `RESULT_TOO_LARGE`.
   */
  query(args: QueryArgs): Promise<Row[]>;
  close(): Promise<void>;
}

/** What a statement of a window may take. */
export interface QueryLimits {
  readonly rows: number;
  /** Of the result as JSON text. */
  readonly bytes: number;
  readonly timeMs: number;
}

export const DEFAULT_QUERY_LIMITS: QueryLimits = { rows: 10_000, bytes: 8 * 1024 * 1024, timeMs: 1_000 };

/** A database of the application. */
export interface DbContext {
  readonly eventStore: EventStorePort;
  readonly projectionStore: ProjectionStorePort;
  readonly tx: TxPort;
  readonly blobs: BlobStorePort;
  readonly windowQueries: WindowQueryPort;
  close(): Promise<void>;
}
