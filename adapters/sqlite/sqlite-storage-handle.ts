import {
  type AppendRequest,
  type AppendResult,
  type EncodedState,
  type EventPage,
  type ReadQuery,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type StorageHandle,
  StreamClosedError,
  type StreamMetrics,
} from "../../protocols/index.js";
import type { AppendQueue } from "./append/append-queue.js";
import type { SQLiteConnection } from "./drivers/driver.js";
import type { AcknowledgedPosition } from "./maintenance/acknowledged-position.js";
import type { OpenFiles } from "./open/open-files.js";
import type { StoreFile } from "./open/store-file.js";
import { readMetrics } from "./read/read-metrics.js";
import { head, readPage } from "./read/read-page.js";
import type { ReadConnections } from "./read/read-pool.js";
import type { LockClock } from "./retry-busy.js";
import { loadSnapshot, saveSnapshot } from "./snapshot-statements.js";
import { isCorruption, storageError } from "./sqlite-errors.js";
import type { WalCheckpointer } from "./transaction/wal-checkpointer.js";
import type { Writer } from "./transaction/writer.js";

/** What the handle is made of. */
export interface SQLiteStorageParts {
  readonly location: string;
  /** What writes, and what reads, wait for in other processes. */
  readonly writeLock: LockClock;
  readonly readLock: LockClock;
  /** Absent for a database in memory. */
  readonly files: OpenFiles | undefined;
  readonly writer: Writer;
  readonly reads: ReadConnections;
  readonly appends: AppendQueue;
  /** Absent where there is no log to keep short. */
  readonly checkpointer: WalCheckpointer | undefined;
  /** Uses the store, and is waited for before it is closed. */
  readonly maintenance: AsyncDisposable;
  /** Absent where there is no file, and without checksums. */
  readonly acknowledged: AcknowledgedPosition | undefined;
  /** Released when all connections are closed. Absent where there is no file. */
  readonly file: StoreFile | undefined;
}

/** Events in a SQLite database: one connection writes, a pool reads. */
export class SQLiteStorageHandle implements StorageHandle {
  readonly location: string;
  readonly #parts: SQLiteStorageParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: SQLiteStorageParts) {
    this.location = parts.location;
    this.#parts = parts;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#disposal === undefined ? this.#parts.appends.append(request) : Promise.reject(this.#closedError());
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#read("read", query, readPage);
  }

  getVersion(streamId: string): Promise<number> {
    return this.#read("read the version of", { streamId }, head);
  }

  getMetrics(streamId: string): Promise<StreamMetrics> {
    return this.#read("read the metrics of", { streamId }, readMetrics);
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention = {}): Promise<void> {
    this.#assertOpen();
    const { files, writer, writeLock, checkpointer } = this.#parts;
    const deadline = writeLock.deadline();
    await this.#saying("save a snapshot of", snapshot, () =>
      writer.use(async (connection) => {
        await writeLock.retryWhileBusy(deadline, () => saveSnapshot(connection, snapshot, retention));
        await files?.checkWithLog(connection);
      }),
    );
    checkpointer?.written(snapshot.state.bytes.length, 1);
  }

  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    return this.#read("load a snapshot of", query, loadSnapshot);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  // The connection that is closed last may checkpoint the log into the database and remove it. One that only reads
  // cannot: it is closed last where the log has to stay as it is.
  async #dispose(): Promise<void> {
    const { appends, file, files, reads, writer, checkpointer, maintenance, acknowledged } = this.#parts;
    await maintenance[Symbol.asyncDispose]();
    await appends.drained();
    await checkpointer?.close();
    await acknowledged?.close();
    const isSound = !writer.isDamaged && (files?.mayBeCheckpointed() ?? true);
    for (const connections of isSound ? [reads, writer] : [writer, reads]) await connections.close();
    files?.close();
    file?.release();
  }

  #read<Query extends { readonly streamId: string }, T>(
    verb: string,
    query: Query,
    task: (connection: SQLiteConnection, query: Query) => Promise<T>,
  ): Promise<T> {
    if (this.#disposal !== undefined) return Promise.reject(this.#closedError());
    const { files, reads, readLock } = this.#parts;
    const deadline = readLock.deadline();
    return this.#saying(verb, query, () => {
      files?.assertUnchanged();
      return reads.use((connection) => readLock.retryWhileBusy(deadline, () => task(connection, query)));
    });
  }

  /** Says of an error what was attempted. */
  async #saying<T>(verb: string, { streamId }: { readonly streamId: string }, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (isCorruption(error)) this.#parts.writer.failed(error);
      throw storageError(error, `${verb} stream "${streamId}"`, this.location);
    }
  }

  #assertOpen(): void {
    if (this.#disposal !== undefined) throw this.#closedError();
  }

  #closedError(): StreamClosedError {
    return new StreamClosedError(`The store ${this.location} has been disposed. Open a new one.`);
  }
}
