import {
  type AppendRequest,
  type AppendResult,
  type EncodedState,
  type Snapshot,
  type SnapshotRetention,
  StorageError,
} from "../../../protocols/index.js";
import type { AppendQueue } from "../append/append-queue.js";
import type { AcknowledgedPosition } from "../maintenance/acknowledged-position.js";
import type { OpenFiles } from "../open/open-files.js";
import type { LockClock } from "../retry-busy.js";
import { saveSnapshot } from "../snapshot-statements.js";
import type { WalCheckpointer } from "./wal-checkpointer.js";
import type { Writer } from "./writer.js";

/** How a store is written, or that it is not. */
export interface WriteAccess {
  append(request: AppendRequest): Promise<AppendResult>;
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
  readonly appends: AppendQueue;
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
    return this.#parts.appends.append(request);
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
    const { appends, checkpointer, acknowledged } = this.#parts;
    await appends.drained();
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
