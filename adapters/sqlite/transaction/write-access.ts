import {
  type AppendRequest,
  type AppendResult,
  type AppendUnit,
  type EncodedState,
  type Snapshot,
  type SnapshotRetention,
  StorageError,
  type StorageSession,
} from "../../../protocols/index.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import type { AcknowledgedPosition } from "../maintenance/acknowledged-position.js";
import type { OpenFiles } from "../open/open-files.js";
import type { LockClock } from "../retry-busy.js";
import { saveSnapshot } from "../snapshot-statements.js";
import type { WalCheckpointer } from "./wal-checkpointer.js";
import type { WriteQueue } from "./write-queue.js";
import type { Writer } from "./writer.js";

/** How a store is written, or that it is not. */
export interface WriteAccess {
  append(request: AppendRequest): Promise<AppendResult>;
  appendAll(unit: AppendUnit): Promise<readonly AppendResult[]>;
  transact<T>(work: (session: StorageSession) => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
  saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention): Promise<void>;
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

  transact<T>(work: (session: StorageSession) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    // The queue hands the result of each callback to its own caller.
    return this.#parts.queue.transact(work, signal) as Promise<T>;
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, retention: SnapshotRetention): Promise<void> {
    const { files, writer, lock, checkpointer } = this.#parts;
    const deadline = lock.deadline();
    await writer.use(async (connection) => {
      await lock.retryWhileBusy(deadline, () => saveSnapshot(connection, snapshot, retention));
      await files?.checkWithLog(connection);
    });
    checkpointer?.written(snapshot.state.bytes.length, 1);
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

  async transact(): Promise<never> {
    throw this.#readOnly("begin a transaction");
  }

  async saveSnapshot({ streamId }: Snapshot<EncodedState>): Promise<void> {
    throw this.#readOnly(`save a snapshot of stream "${streamId}"`);
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
