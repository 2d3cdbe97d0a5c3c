import { constants } from "node:buffer";
import {
  type AdministrableStorage,
  type AppendRequest,
  type AppendResult,
  type AppendUnit,
  type AtomicStorage,
  type ContentsBatch,
  type CopyableStorage,
  type DeleteSnapshotsQuery,
  type EncodedState,
  type EventPage,
  type JoinAppends,
  type ListRecordsOptions,
  type ListStreamsQuery,
  type ReadQuery,
  type ReclaimedBytes,
  type RemovedEvents,
  type RemoveRequest,
  type RequestOutcome,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type SQLStatement,
  type SQLValue,
  type StorageError,
  type StorageLimits,
  type StorageSession,
  type StoreContents,
  type StoredRecord,
  StreamClosedError,
  type StreamMetrics,
  type StreamRow,
  type TakeRequests,
  type TransactOptions,
} from "../../protocols/index.js";
import { DEFAULT_TRANSACTION_TIMEOUT_MS } from "../../src/limits.js";
import { untilAborted } from "../../src/watch/abort-listeners.js";
import { listStreams } from "./administration/list-streams.js";
import { removeBefore } from "./administration/remove-events.js";
import { vacuumTables } from "./administration/vacuum-tables.js";
import type { PostgresConnection } from "./client/client.js";
import { importContents } from "./copy/import-contents.js";
import type { StoreHistory } from "./history/store-history.js";
import type { StoreNames } from "./open/schema.js";
import { AbandonedError, storageError, unfinished } from "./postgres-errors.js";
import type { EventRead, EventReads } from "./read/event-reads.js";
import type { ReadContext } from "./read/filter-sql.js";
import { readPage } from "./read/read-page.js";
import type { ReadPool } from "./read/read-pool.js";
import { readHead, readMetrics } from "./read/stream-figures.js";
import { countSnapshots, deleteSnapshots, loadSnapshot, saveSnapshot } from "./snapshot-statements.js";
import { queryTables } from "./tables/query-tables.js";
import { appendTogether } from "./transaction/append-together.js";
import { PostgresRecords } from "./transaction/postgres-records.js";
import type { WriteQueue } from "./transaction/write-queue.js";
import type { Writer } from "./transaction/writer.js";

/** The parts of the handle. */
export interface PostgresStorageParts extends ReadContext {
  readonly history: StoreHistory;
  readonly reads: ReadPool;
  /** Reads events where they are read best. */
  readonly eventReads: EventReads;
  /** How long a disposal may take. */
  readonly commandTimeoutMs: number;
  readonly queue: WriteQueue;
  readonly writer: Writer;
  /** Uses the store, and is waited for before it is closed. */
  readonly maintenance: Pick<CopyableStorage, "exportContents"> & AsyncDisposable;
}

/** Bytes come back as one text, of two digits each behind `\\x`. */
const MAX_SNAPSHOT_BYTES = Math.floor((constants.MAX_STRING_LENGTH - 2) / 2);

/** For how long a process that has stopped in the middle of a batch holds up others. */
const IMPORT_OPTIONS = { timeoutMs: DEFAULT_TRANSACTION_TIMEOUT_MS };

/** Events in a PostgreSQL database: one connection writes, a pool reads. */
export class PostgresStorageHandle implements AtomicStorage, AdministrableStorage, CopyableStorage {
  readonly location: string;
  readonly limits: StorageLimits = { snapshotBytes: MAX_SNAPSHOT_BYTES };
  readonly #parts: PostgresStorageParts;
  #disposal: Promise<void> | undefined;
  /** Connections that are apart from the others. */
  readonly #reclaiming = new Set<PostgresConnection>();
  /** What a disposal has given up. */
  #unfinished: StorageError | undefined;
  readonly #abandoned: Promise<void>;
  #onAbandoned: () => void = () => undefined;

  constructor(parts: PostgresStorageParts) {
    this.location = parts.location;
    this.#parts = parts;
    this.#abandoned = new Promise((resolve) => {
      this.#onAbandoned = resolve;
    });
  }

  // A promise of its own would be one more to wait for in every append.
  append(request: AppendRequest): Promise<AppendResult> {
    return this.#disposal === undefined ? this.#parts.queue.append(request) : Promise.reject(this.#disposed());
  }

  async appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    this.#assertOpen();
    return this.#parts.queue.appendAll(unit);
  }

  async transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T> {
    this.#assertOpen();
    return this.#parts.queue.transact(work, options);
  }

  async appendTogether(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]> {
    this.#assertOpen();
    return appendTogether(this.#parts.queue, take, join, this.location);
  }

  async query(
    statement: SQLStatement,
    { signal }: Pick<TransactOptions, "signal">,
  ): Promise<Record<string, SQLValue>[]> {
    this.#assertOpen();
    return queryTables(this.#parts.reads, statement, signal, this.location);
  }

  listRecords(space: string, options: ListRecordsOptions): Promise<readonly StoredRecord[]> {
    return this.#readWith(`list the records of "${space}"`, (connection, names) =>
      // The pool runs a read again that lost its connection, and knows it by the client's error.
      new PostgresRecords(connection, names, this.location, (_, task) => task()).list(space, options),
    );
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#readEvents("read", query, (connection, context) => readPage(connection, context, query), query.signal);
  }

  getVersion(streamId: string): Promise<number> {
    return this.#readEvents("read the version of", { streamId }, (connection, context) =>
      readHead(connection, context, streamId),
    );
  }

  getMetrics(streamId: string): Promise<StreamMetrics> {
    return this.#readEvents("read the metrics of", { streamId }, (connection, { names }) =>
      readMetrics(connection, names, streamId),
    );
  }

  saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention = {}): Promise<void> {
    return this.#read("save a snapshot of", snapshot, (connection, names) =>
      saveSnapshot(connection, names, snapshot, retention, this.location),
    );
  }

  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    return this.#read("load a snapshot of", query, (connection, names) =>
      loadSnapshot(connection, names, query, this.location),
    );
  }

  listStreams(query: ListStreamsQuery): Promise<readonly StreamRow[]> {
    return this.#readWith("list the streams", (connection, names) =>
      listStreams(connection, names, query, this.location),
    );
  }

  removeBefore(request: RemoveRequest): Promise<RemovedEvents> {
    const attempt = `remove events of stream "${request.streamId}"`;
    return this.#attempting(attempt, () => removeBefore(this.#parts, request, attempt));
  }

  deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    return this.#read("delete snapshots of", query, (connection, names) => deleteSnapshots(connection, names, query));
  }

  countSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    return this.#read("count snapshots of", query, (connection, names) => countSnapshots(connection, names, query));
  }

  reclaim(): Promise<ReclaimedBytes> {
    const { names, writer } = this.#parts;
    return this.#attempting("reclaim space", async () => {
      const { connection } = await writer.openApart();
      this.#reclaiming.add(connection);
      return vacuumTables(connection, names, this.location).finally(() => {
        this.#reclaiming.delete(connection);
        return connection.close();
      });
    });
  }

  async exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#parts.maintenance.exportContents(work);
  }

  async importContents(batch: ContentsBatch): Promise<boolean> {
    const { queue, names } = this.#parts;
    const attempt = "copy a store";
    return this.#attempting(attempt, () =>
      queue.transact((session) => importContents(session, names, batch), { ...IMPORT_OPTIONS, attempt }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.disposeInTime(() => this.#dispose());
    return this.#disposal;
  }

  /**
   * Runs a disposal that waits for calls of this handle. When it takes longer than it may, it gives these calls up.
   *
   * @throws StorageError that names the calls which could not be finished
   */
  async disposeInTime(dispose: () => Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.#abandon(), this.#parts.commandTimeoutMs);
    try {
      await dispose();
    } finally {
      clearTimeout(timer);
    }
    if (this.#unfinished !== undefined) throw this.#unfinished;
  }

  async #dispose(): Promise<void> {
    const { maintenance, queue, reads, eventReads, writer } = this.#parts;
    const close = async (): Promise<void> => {
      await maintenance[Symbol.asyncDispose]();
      await queue.drained();
      await Promise.all([reads.close(), eventReads.close(), writer.close()]);
    };
    await Promise.race([close(), this.#abandoned]);
  }

  #abandon(): void {
    const { queue, reads, eventReads, writer, commandTimeoutMs } = this.#parts;
    const reason = new AbandonedError(commandTimeoutMs);
    const left = queue.abandon(reason);
    if (left.underWay.length + left.waiting.length > 0) {
      this.#unfinished = unfinished(left, commandTimeoutMs, this.location);
    }
    for (const connections of [reads, eventReads, writer]) connections.abandon(reason);
    for (const connection of this.#reclaiming) connection.destroy();
    this.#onAbandoned();
  }

  #readEvents<T>(
    verb: string,
    { streamId }: { readonly streamId: string },
    read: EventRead<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const attempt = `${verb} stream "${streamId}"`;
    const { eventReads } = this.#parts;
    // It may wait for a connection, or for the server.
    return this.#attempting(attempt, () => untilAborted(eventReads.use(read, signal), signal), signal);
  }

  #read<T>(
    verb: string,
    { streamId }: { readonly streamId: string },
    task: (connection: PostgresConnection, names: StoreNames) => Promise<T>,
  ): Promise<T> {
    return this.#readWith(`${verb} stream "${streamId}"`, task);
  }

  #readWith<T>(attempt: string, task: (connection: PostgresConnection, names: StoreNames) => Promise<T>): Promise<T> {
    const { reads, names } = this.#parts;
    return this.#attempting(attempt, () => reads.use((connection) => task(connection, names)));
  }

  /** Says of an error what was attempted. */
  async #attempting<T>(attempt: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#assertOpen();
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      throw storageError(error, attempt, this.location);
    }
  }

  #assertOpen(): void {
    if (this.#disposal !== undefined) throw this.#disposed();
  }

  #disposed(): StreamClosedError {
    return new StreamClosedError(`The store ${this.location} has been disposed. Open a new one.`);
  }
}
