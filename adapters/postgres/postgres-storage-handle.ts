import {
  type AppendRequest,
  type AppendResult,
  type AppendUnit,
  type AtomicStorage,
  type EncodedState,
  type EventPage,
  type ReadQuery,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type SQLStatement,
  type SQLValue,
  type StorageSession,
  StreamClosedError,
  type StreamMetrics,
  type TransactionalStorage,
  type TransactOptions,
} from "../../protocols/index.js";
import type { PostgresConnection } from "./client/client.js";
import type { StoreNames } from "./open/schema.js";
import { storageError } from "./postgres-errors.js";
import type { ReadContext } from "./read/filter-sql.js";
import { readPage } from "./read/read-page.js";
import type { ReadPool } from "./read/read-pool.js";
import { readHead, readMetrics } from "./read/stream-figures.js";
import { loadSnapshot, saveSnapshot } from "./snapshot-statements.js";
import { queryTables } from "./tables/query-tables.js";
import type { WriteQueue } from "./transaction/write-queue.js";
import type { Writer } from "./transaction/writer.js";

/** The parts of the handle. */
export interface PostgresStorageParts extends ReadContext {
  readonly location: string;
  readonly reads: ReadPool;
  readonly queue: WriteQueue;
  readonly writer: Writer;
}

/** Events in a PostgreSQL database: one connection writes, a pool reads. */
export class PostgresStorageHandle implements AtomicStorage, TransactionalStorage {
  readonly location: string;
  readonly #parts: PostgresStorageParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: PostgresStorageParts) {
    this.location = parts.location;
    this.#parts = parts;
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    this.#assertOpen();
    return this.#parts.queue.append(request);
  }

  async appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    this.#assertOpen();
    return this.#parts.queue.appendAll(unit);
  }

  async transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T> {
    this.#assertOpen();
    // The queue hands the result of each callback to its own caller.
    return this.#parts.queue.transact(work, options) as Promise<T>;
  }

  async query(
    statement: SQLStatement,
    { signal }: Pick<TransactOptions, "signal">,
  ): Promise<Record<string, SQLValue>[]> {
    this.#assertOpen();
    return queryTables(this.#parts.reads, statement, signal, this.location);
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#read("read", query, (connection) => readPage(connection, this.#parts, query));
  }

  getVersion(streamId: string): Promise<number> {
    return this.#read("read the version of", { streamId }, (connection, names) =>
      readHead(connection, names, streamId),
    );
  }

  getMetrics(streamId: string): Promise<StreamMetrics> {
    return this.#read("read the metrics of", { streamId }, (connection, names) =>
      readMetrics(connection, names, streamId),
    );
  }

  saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention = {}): Promise<void> {
    return this.#read("save a snapshot of", snapshot, (connection, names) =>
      saveSnapshot(connection, names, snapshot, retention),
    );
  }

  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    return this.#read("load a snapshot of", query, (connection, names) => loadSnapshot(connection, names, query));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { queue, reads, writer } = this.#parts;
    await queue.drained();
    await Promise.all([reads.close(), writer.close()]);
  }

  async #read<T>(
    verb: string,
    { streamId }: { readonly streamId: string },
    task: (connection: PostgresConnection, names: StoreNames) => Promise<T>,
  ): Promise<T> {
    this.#assertOpen();
    try {
      return await this.#parts.reads.use((connection) => task(connection, this.#parts.names));
    } catch (error) {
      throw storageError(error, `${verb} stream "${streamId}"`, this.location);
    }
  }

  #assertOpen(): void {
    if (this.#disposal === undefined) return;
    throw new StreamClosedError(`The store ${this.location} has been disposed. Open a new one.`);
  }
}
