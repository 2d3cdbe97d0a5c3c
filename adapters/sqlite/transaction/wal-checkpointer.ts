import type { SQLiteConnection } from "../drivers/driver.js";
import { LOG_STATE } from "../open/log-length.js";
import type { OpenFiles } from "../open/open-files.js";
import { isCorruption, isDiskFailure } from "../sqlite-errors.js";
import type { Writer } from "./writer.js";

/**
 * A checkpoint runs after this many bytes of writes: the 1,000 pages of SQLite's default. A driver on the main thread blocks
 * the event loop while it runs; but each one syncs twice, so that with fewer bytes all writes take longer.
 */
export const CHECKPOINT_BYTES = 4 * 1024 * 1024;

const PAGE_BYTES = 4096;

/** The pages that each transaction changes besides content and indexes: the counter of positions, and the last page of events. */
const PAGES_PER_TRANSACTION = 2;

/** A log of this many pages is checkpointed completely while writers wait. */
const MAX_LOG_PAGES = 4_096;

const CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

/** The result of a checkpoint: how many pages the log has, and how many of them are checkpointed. */
interface CheckpointResult {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Keeps the write-ahead log short without letting writers wait for it.
 *
 * By default SQLite checkpoints as part of the commit that made the log long. That commit waits for the copy and for a
 * sync, and SQLite does not report when that sync fails. Here a separate connection checkpoints while writers go on. The
 * log restarts once all of it is checkpointed. Steady writers would never let that happen. So a log that has grown is
 * checkpointed completely between two transactions, which is short, because most of it is done.
 */
export class WalCheckpointer {
  readonly #writer: Writer;
  readonly #files: OpenFiles;
  readonly #open: () => Promise<SQLiteConnection>;
  #connection: SQLiteConnection | undefined;
  #bytes: number;
  #running: Promise<void> | undefined;

  constructor(writer: Writer, files: OpenFiles, open: () => Promise<SQLiteConnection>) {
    this.#writer = writer;
    this.#files = files;
    this.#open = open;
    // What processes have left that ended early: if each counted only its own writes, nobody would checkpoint them.
    this.#bytes = files.logBytes;
  }

  /**
   * Counts a transaction: how much content it stored, and how many pages of indexes it changed at most. The log takes whole
   * pages, so small events in many streams fill it faster than their content does. The actual number of pages is read
   * before a checkpoint.
   */
  written(contentBytes: number, indexPages: number): void {
    this.#bytes += contentBytes + (PAGES_PER_TRANSACTION + indexPages) * PAGE_BYTES;
    if (this.#bytes < CHECKPOINT_BYTES || this.#running !== undefined) return;
    this.#bytes = 0;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /**
   * Checkpoints all that the log has, as far as readers let it: only then a database that has fewer pages gets shorter. What
   * the log has before is checkpointed while writers go on.
   */
  async checkpoint(): Promise<void> {
    await this.#running;
    this.#connection ??= await this.#open();
    await this.#files.checkWithLog(this.#connection);
    await this.#copyLog(this.#connection);
    await this.#writer.use((connection) => this.#copyLog(connection));
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#connection?.close();
    this.#connection = undefined;
  }

  async #run(): Promise<void> {
    try {
      this.#connection ??= await this.#open();
      const [found] = (await this.#connection.all<CheckpointResult>(LOG_STATE)) as [CheckpointResult];
      const waitingBytes = (found.log - found.checkpointed) * PAGE_BYTES;
      if (waitingBytes < CHECKPOINT_BYTES) {
        this.#bytes += waitingBytes;
        return;
      }
      await this.#files.checkWithLog(this.#connection);
      const result = await this.#copyLog(this.#connection);
      if (result === undefined || result.log < MAX_LOG_PAGES) return;
      await this.#writer.use((connection) => this.#copyLog(connection));
    } catch (error) {
      // After any other failure the next checkpoint tries again: the log only stays longer.
      if (isDiskFailure(error) || isCorruption(error)) this.#writer.failed(error);
    }
  }

  async #copyLog(connection: SQLiteConnection): Promise<CheckpointResult | undefined> {
    const [result] = await connection.all<CheckpointResult>(CHECKPOINT);
    this.#files.wereCheckpointed();
    return result;
  }
}
