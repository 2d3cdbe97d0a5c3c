import {
  type AppendRequest,
  type AppendResult,
  type AppendUnit,
  type ContentsBatch,
  type DeleteSnapshotsQuery,
  type EncodedState,
  type JoinAppends,
  type RemoveRequest,
  type RequestOutcome,
  type Snapshot,
  type SnapshotRetention,
  StorageError,
  type StorageSession,
  type TakeRequests,
  type TransactOptions,
} from "../../../protocols/index.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { type ReclaimedBytes, reclaimPages } from "../administration/reclaim-pages.js";
import { forgetKeys, type RemovedEvents, removeEvents } from "../administration/remove-events.js";
import type { AppendGroup } from "../append/append-group.js";
import { eventCharacters } from "../append/event-rows.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { AcknowledgedPosition } from "../maintenance/acknowledged-position.js";
import type { OpenFiles } from "../open/open-files.js";
import type { LockClock } from "../retry-busy.js";
import { deleteSnapshots, saveSnapshot } from "../snapshot-statements.js";
import { appendTogether } from "./append-together.js";
import type { WalCheckpointer } from "./wal-checkpointer.js";
import type { WriteQueue } from "./write-queue.js";
import type { Writer } from "./writer.js";

/** How a store is written, or that it is not. */
export interface WriteAccess {
  append(request: AppendRequest): Promise<AppendResult>;
  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]>;
  transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T>;
  appendTogether(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]>;
  saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention): Promise<void>;
  removeBefore(request: RemoveRequest): Promise<RemovedEvents>;
  deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number>;
  reclaim(maxBytes: number): Promise<ReclaimedBytes>;
  importContents(batch: ContentsBatch): Promise<boolean>;
  /** Lets nothing more be written: a read has found the database damaged. */
  failed(error: unknown): void;
  /** Finishes what was accepted. */
  finish(): Promise<void>;
  /** Whether SQLite may checkpoint the log, as it does when it closes a writing connection last. */
  mayBeCheckpointed(): Promise<boolean>;
  close(): Promise<void>;
}

/** The parts that write a store. */
export interface WritingParts {
  readonly location: string;
  readonly group: AppendGroup;
  readonly writer: Writer;
  readonly lock: LockClock;
  readonly queue: WriteQueue;
  /** Absent for a database in memory. */
  readonly files: OpenFiles | undefined;
  /** Absent where there is no log to keep short. */
  readonly checkpointer: WalCheckpointer | undefined;
  /** Absent where there is no file, and without checksums. */
  readonly acknowledged: AcknowledgedPosition | undefined;
}

/** Writes by the one connection that does. */
export class Writing implements WriteAccess {
  readonly #parts: WritingParts;

  constructor(parts: WritingParts) {
    this.#parts = parts;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#parts.queue.append(request);
  }

  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]> {
    return this.#parts.queue.appendAll(unit);
  }

  transact<T>(work: (session: StorageSession) => Promise<T>, options: TransactOptions): Promise<T> {
    // The queue hands the result of each callback to its own caller.
    return this.#parts.queue.transact(work, options) as Promise<T>;
  }

  appendTogether(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]> {
    return appendTogether(this.#parts.queue, take, join);
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention): Promise<void> {
    const { location, checkpointer } = this.#parts;
    await this.#change((connection) => saveSnapshot(connection, snapshot, retention, location));
    checkpointer?.written(snapshot.state.bytes.length, 1);
  }

  async removeBefore(request: RemoveRequest): Promise<RemovedEvents> {
    const { location, checkpointer } = this.#parts;
    const result = await this.#changeStreams((connection) => removeEvents(connection, request, location));
    checkpointer?.written(0, result.removed);
    // Those of earlier removals.
    if (!request.keepKeys) await this.#forgetKeys(request);
    return result;
  }

  /** In transactions of their own, each of a limited size. */
  async #forgetKeys(request: RemoveRequest): Promise<void> {
    let forgotten: number;
    do {
      forgotten = await this.#change((connection) => forgetKeys(connection, request));
      if (forgotten > 0) this.#parts.checkpointer?.written(0, forgotten);
    } while (forgotten === request.limit);
  }

  async deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    const removed = await this.#change((connection) => deleteSnapshots(connection, query));
    if (removed > 0) this.#parts.checkpointer?.written(0, removed);
    return removed;
  }

  async reclaim(maxBytes: number): Promise<ReclaimedBytes> {
    const { location, checkpointer } = this.#parts;
    const reclaimed = await this.#change((connection) => reclaimPages(connection, maxBytes, location));
    const { freed, left } = reclaimed;
    // Pages from the end of the file take the places of free ones.
    if (freed > 0 && left > 0) checkpointer?.written(freed, 0);
    else await checkpointer?.checkpoint();
    return reclaimed;
  }

  async importContents(batch: ContentsBatch): Promise<boolean> {
    const { group, checkpointer } = this.#parts;
    const events = batch.put?.events ?? [];
    const isImported = await this.#changeStreams((connection) => group.import(connection, batch));
    if (isImported) {
      const characters = events.reduce((sum, { event }) => sum + eventCharacters(event), 0);
      const bytes = (batch.put?.snapshots ?? []).reduce((sum, { state }) => sum + state.bytes.length, characters);
      checkpointer?.written(bytes, events.length);
    }
    return isImported;
  }

  /** Makes a change of streams, after which what appends remember of them is not true any more. */
  #changeStreams<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#change(async (connection) => {
      try {
        return await task(connection);
      } finally {
        // Also where it failed: it may be stored. And before the next appends, which are planned on what is remembered.
        this.#parts.group.failed();
      }
    });
  }

  /** Makes a change that is no append, once nothing else is under way. */
  #change<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    const { files, writer, lock } = this.#parts;
    const deadline = lock.deadline();
    return writer.use(async (connection) => {
      const result = await lock.retryWhileBusy(deadline, () => task(connection));
      await files?.checkWithLog(connection);
      return result;
    });
  }

  failed(error: unknown): void {
    this.#parts.writer.failed(error);
  }

  async finish(): Promise<void> {
    const { queue, checkpointer, acknowledged } = this.#parts;
    await queue.drained();
    await checkpointer?.close();
    await acknowledged?.close();
  }

  mayBeCheckpointed(): Promise<boolean> {
    return this.#parts.writer.mayCheckpoint();
  }

  close(): Promise<void> {
    return this.#parts.writer.close();
  }
}

/** Refuses every write: the store was opened to be read only. */
export class NoWriting implements WriteAccess {
  readonly #location: string;

  constructor(location: string) {
    this.#location = location;
  }

  async append({ streamId }: AppendRequest): Promise<AppendResult> {
    throw this.#readOnly(`write to stream "${streamId}"`);
  }

  async appendAll({ requests }: AppendUnit): Promise<readonly AppendResult[]> {
    throw this.#readOnly(attemptOf(requests));
  }

  async transact(_work: unknown, { attempt = "begin a transaction" }: TransactOptions): Promise<never> {
    throw this.#readOnly(attempt);
  }

  async appendTogether(take: TakeRequests): Promise<never> {
    throw this.#readOnly(attemptOf(take()));
  }

  async saveSnapshot({ streamId }: Snapshot<EncodedState>): Promise<void> {
    throw this.#readOnly(`save a snapshot of stream "${streamId}"`);
  }

  async removeBefore({ streamId }: RemoveRequest): Promise<never> {
    throw this.#readOnly(`remove events of stream "${streamId}"`);
  }

  async deleteSnapshots({ streamId }: DeleteSnapshotsQuery): Promise<never> {
    throw this.#readOnly(`delete snapshots of stream "${streamId}"`);
  }

  async reclaim(): Promise<never> {
    throw this.#readOnly("reclaim space");
  }

  async importContents(): Promise<never> {
    throw this.#readOnly("copy a store");
  }

  failed(): void {}

  async finish(): Promise<void> {}

  async mayBeCheckpointed(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {}

  #readOnly(attempt: string): StorageError {
    const message =
      `Cannot ${attempt} in ${this.#location}: the store was opened with mode: "readonly". Nothing was written. Open it ` +
      'with mode: "existing" to write to it.';
    return new StorageError("STORAGE_READ_ONLY", message);
  }
}
