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
  type RemoveRequest,
  type RequestOutcome,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type SQLStatement,
  type SQLValue,
  type StorageSession,
  type StoreContents,
  type StoredRecord,
  StreamClosedError,
  type StreamMetrics,
  type StreamRow,
  type TakeRequests,
  type TransactOptions,
} from "../../protocols/index.js";
import { listStreams } from "./administration/list-streams.js";
import type { ReclaimedBytes } from "./administration/reclaim-pages.js";
import type { RemovedEvents } from "./administration/remove-events.js";
import type { SQLiteConnection } from "./drivers/driver.js";
import type { FieldIndex } from "./indexes/field-index.js";
import type { OpenedStore } from "./open/opened-store.js";
import type { KnownTail } from "./read/known-tail.js";
import { readPage } from "./read/read-page.js";
import { head, readMetrics } from "./read/stream-figures.js";
import type { LockClock } from "./retry-busy.js";
import { countSnapshots, loadSnapshot } from "./snapshot-statements.js";
import { isCorruption, storageError } from "./sqlite-errors.js";
import { interruptible } from "./tables/interruptible.js";
import { renderStatement } from "./tables/render-statement.js";
import { attemptOfStatement, queryError, readRows } from "./tables/table-statements.js";
import { SQLiteRecords } from "./transaction/sqlite-records.js";
import type { WriteAccess } from "./transaction/write-access.js";

/** The parts of the handle. */
export interface SQLiteStorageParts {
  readonly location: string;
  /** Limits how long reads wait for locks of other processes. */
  readonly readLock: LockClock;
  readonly opened: Pick<OpenedStore, "files" | "reads" | "release">;
  readonly writes: WriteAccess;
  readonly indexes: readonly FieldIndex[];
  /** Absent where there is no log whose end could be known, and where nothing is written. */
  readonly tail: KnownTail | undefined;
  /** Uses the store, and is waited for before it is closed. */
  readonly maintenance: Pick<CopyableStorage, "exportContents"> & AsyncDisposable;
}

/** Events in a SQLite database: one connection writes, a pool reads. */
export class SQLiteStorageHandle implements AtomicStorage, AdministrableStorage, CopyableStorage {
  readonly location: string;
  readonly #parts: SQLiteStorageParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: SQLiteStorageParts) {
    this.location = parts.location;
    this.#parts = parts;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#disposal === undefined ? this.#parts.writes.append(request) : Promise.reject(this.#closedError());
  }

  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    return this.#disposal === undefined ? this.#parts.writes.appendAll(unit) : Promise.reject(this.#closedError());
  }

  transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T> {
    return this.#disposal === undefined
      ? this.#parts.writes.transact(work, options)
      : Promise.reject(this.#closedError());
  }

  appendTogether(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]> {
    return this.#disposal === undefined
      ? this.#parts.writes.appendTogether(take, join)
      : Promise.reject(this.#closedError());
  }

  async query(statement: SQLStatement, { signal }: TransactOptions): Promise<Record<string, SQLValue>[]> {
    this.#assertOpen();
    const { readLock, opened } = this.#parts;
    const deadline = readLock.deadline();
    const rendered = renderStatement(statement);
    try {
      opened.files?.beforeRead();
      return await opened.reads.useForQuery((connection) =>
        readLock.retryWhileBusy(
          deadline,
          () => interruptible(connection, signal, () => readRows(connection, rendered)),
          () => signal?.throwIfAborted(),
        ),
      );
    } catch (error) {
      signal?.throwIfAborted();
      this.#noteDamage(error);
      throw queryError(error, attemptOfStatement(rendered), this.location);
    }
  }

  listRecords(space: string, options: ListRecordsOptions): Promise<readonly StoredRecord[]> {
    return this.#readWith(`list the records of "${space}"`, (connection) =>
      new SQLiteRecords(connection, this.location).list(space, options),
    );
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    const { tail, opened } = this.#parts;
    const mayBeKnown = this.#disposal === undefined && opened.files?.wereSeenLately === true && !query.signal?.aborted;
    const page = mayBeKnown ? tail?.page(query) : undefined;
    return page === undefined ? this.#readPage(query) : Promise.resolve(page);
  }

  async #readPage(query: ReadQuery): Promise<EventPage> {
    const { indexes, tail } = this.#parts;
    const page = await this.#read(
      "read",
      query,
      (connection, wanted) => readPage(connection, wanted, indexes, this.location),
      query.signal,
    );
    if (this.#disposal === undefined) tail?.wasRead(query, page);
    return page;
  }

  getVersion(streamId: string): Promise<number> {
    return this.#read("read the version of", { streamId }, head);
  }

  getMetrics(streamId: string): Promise<StreamMetrics> {
    return this.#read("read the metrics of", { streamId }, readMetrics);
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention = {}): Promise<void> {
    this.#assertOpen();
    await this.#saying("save a snapshot of", snapshot, () => this.#parts.writes.saveSnapshot(snapshot, retention));
  }

  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    return this.#read("load a snapshot of", query, (connection) => loadSnapshot(connection, query, this.location));
  }

  listStreams(query: ListStreamsQuery): Promise<readonly StreamRow[]> {
    return this.#readWith("list the streams", (connection) => listStreams(connection, query, this.location));
  }

  async removeBefore(request: RemoveRequest): Promise<RemovedEvents> {
    this.#assertOpen();
    return this.#saying("remove events of", request, () => this.#parts.writes.removeBefore(request));
  }

  async deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    this.#assertOpen();
    return this.#saying("delete snapshots of", query, () => this.#parts.writes.deleteSnapshots(query));
  }

  countSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    return this.#read("count snapshots of", query, (connection) => countSnapshots(connection, query));
  }

  async reclaim(maxBytes: number): Promise<ReclaimedBytes> {
    this.#assertOpen();
    return this.#attempting("reclaim space", () => this.#parts.writes.reclaim(maxBytes));
  }

  async exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#parts.maintenance.exportContents(work);
  }

  async importContents(batch: ContentsBatch): Promise<boolean> {
    this.#assertOpen();
    return this.#attempting("copy a store", () => this.#parts.writes.importContents(batch));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  // The connection that is closed last may checkpoint the log into the database and remove it. One that only reads
  // cannot: it is closed last where the log has to stay as it is.
  async #dispose(): Promise<void> {
    const { maintenance, writes, opened } = this.#parts;
    await maintenance[Symbol.asyncDispose]();
    await writes.finish();
    const inOrder = (await writes.mayBeCheckpointed()) ? [opened.reads, writes] : [writes, opened.reads];
    for (const connections of inOrder) await connections.close();
    opened.release();
  }

  #read<Query extends { readonly streamId: string }, T>(
    verb: string,
    query: Query,
    task: (connection: SQLiteConnection, query: Query) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#readWith(`${verb} stream "${query.streamId}"`, (connection) => task(connection, query), signal);
  }

  #readWith<T>(attempt: string, task: (connection: SQLiteConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#disposal !== undefined) return Promise.reject(this.#closedError());
    const { readLock, opened } = this.#parts;
    const deadline = readLock.deadline();
    const read = (connection: SQLiteConnection): Promise<T> => {
      // While it waited for its turn, whoever wanted it may have gone. The signal's reason may look like a failure of the store.
      return signal?.aborted ? Promise.reject(new Error("nobody waits for it any more")) : task(connection);
    };
    return this.#attempting(
      attempt,
      () => {
        opened.files?.beforeRead();
        return opened.reads.use((connection) => readLock.retryWhileBusy(deadline, () => read(connection)));
      },
      signal,
    );
  }

  #saying<T>(verb: string, { streamId }: { readonly streamId: string }, task: () => Promise<T>): Promise<T> {
    return this.#attempting(`${verb} stream "${streamId}"`, task);
  }

  /** Says of an error what was attempted. */
  async #attempting<T>(attempt: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      this.#noteDamage(error);
      throw storageError(error, attempt, this.location);
    }
  }

  #noteDamage(error: unknown): void {
    if (isCorruption(error)) this.#parts.writes.failed(error);
  }

  #assertOpen(): void {
    if (this.#disposal !== undefined) throw this.#closedError();
  }

  #closedError(): StreamClosedError {
    return new StreamClosedError(`The store ${this.location} has been disposed. Open a new one.`);
  }
}
