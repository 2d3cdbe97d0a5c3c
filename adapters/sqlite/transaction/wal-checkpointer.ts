import type { SQLiteConnection } from "../drivers/driver.js";
import { LOG_STATE } from "../open/log-length.js";
import type { OpenFiles } from "../open/open-files.js";
import { isCorruption, isDiskFailure } from "../sqlite-errors.js";
import type { Writer } from "./writer.js";

/**
 * After so much has been written, the log is folded into the database file: half as much as SQLite does by default. A
 * driver that works on the main thread keeps the event loop for as long as that takes.
 */
export const CHECKPOINT_BYTES = 2 * 1024 * 1024;

const PAGE_BYTES = 4096;

/** What each transaction changes besides content and indexes: the counter of positions, and the last page of events. */
const PAGES_PER_TRANSACTION = 2;

/** A log of so many pages is folded in to its end, while writers wait. */
const MAX_LOG_PAGES = 4_096;

const CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

/** What a checkpoint reports: how many pages the log has, and how many of them have been folded in. */
interface CheckpointResult {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Keeps the write-ahead log short without letting writers wait for it.
 *
 * SQLite on its own folds the log in as part of the commit that made it long, and so lets that commit wait for the
 * copying and for a sync; and it keeps it to itself when that sync fails. Here a connection of its own does it while
 * writers go on. The log begins anew once all of it is folded in. Steady writers never let that come to pass, so that a
 * log which has grown is folded in to its end between two transactions, which is short, since most of it is done.
 */
export class WalCheckpointer {
  readonly #writer: Writer;
  readonly #files: OpenFiles;
  readonly #open: () => Promise<SQLiteConnection>;
  #connection: SQLiteConnection | undefined;
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(writer: Writer, files: OpenFiles, open: () => Promise<SQLiteConnection>) {
    this.#writer = writer;
    this.#files = files;
    this.#open = open;
  }

  /**
   * Takes note of a transaction: how much content it stored, and how many pages of indexes it has changed at most. The
   * log takes whole pages, so that small events in many places fill it faster than their content does. How many pages
   * it was in fact is asked before anything is folded in.
   */
  written(contentBytes: number, indexPages: number): void {
    this.#bytes += contentBytes + (PAGES_PER_TRANSACTION + indexPages) * PAGE_BYTES;
    if (this.#bytes < CHECKPOINT_BYTES || this.#running !== undefined) return;
    this.#bytes = 0;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
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
      const [result] = await this.#connection.all<CheckpointResult>(CHECKPOINT);
      if (result === undefined || result.log < MAX_LOG_PAGES) return;
      await this.#writer.use((connection) => connection.all(CHECKPOINT));
    } catch (error) {
      // Whatever else fails is tried again with the next one: the log only stays longer.
      if (isDiskFailure(error) || isCorruption(error)) this.#writer.failed(error);
    }
  }
}
