import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { SQLiteConnection } from "../drivers/driver.js";

// The layout of the log: https://www.sqlite.org/fileformat.html#the_write_ahead_log
const HEADER_BYTES = 32;
const PAGE_SIZE_OFFSET = 8;
const FRAME_HEADER_BYTES = 24;
const NUMBER_BYTES = 4;

/** Copies nothing, and reports the length of the log. */
export const LOG_STATE = "PRAGMA wal_checkpoint(NOOP)";

/** How often to try again when others restart the log meanwhile. */
const MAX_ATTEMPTS = 10;

/**
 * Notices that the log was cut while the store is open. SQLite does not: it writes on behind the end that it remembers,
 * and leaves a hole of zeros that no later reader gets past.
 *
 * The file is only ever longer, or the same, except that SQLite shortens it when the log begins anew. So a log that has
 * become shorter is compared with what SQLite takes it to hold. One that was cut and written to again is found by the
 * last frame that was there before, which is now zeros.
 *
 * The log's own file carries no locks of SQLite, so that opening it here, and closing it, drops none.
 */
export class LogLength {
  readonly #file: number;
  readonly #number = Buffer.alloc(NUMBER_BYTES);
  #bytes = 0;
  #frameBytes: number | undefined;

  constructor(path: string) {
    this.#file = openSync(path, "r");
    this.mayBeCut();
  }

  /** Whether it is shorter than it was, or has a hole. */
  mayBeCut(): boolean {
    const earlier = this.#bytes;
    const { size } = fstatSync(this.#file);
    if (size < earlier || this.#isHole(earlier)) return true;
    this.#bytes = size;
    return false;
  }

  /** Whether what SQLite takes the log to hold is not all there. */
  async isCut(connection: SQLiteConnection): Promise<boolean> {
    let frames = await countFrames(connection);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { size } = fstatSync(this.#file);
      const end = frames === 0 ? 0 : HEADER_BYTES + frames * (this.#frameBytes ?? 0);
      if (size >= end && !this.#isHole(Math.min(this.#bytes, end))) {
        this.#bytes = end;
        return false;
      }
      const counted = await countFrames(connection);
      if (counted === frames) return true;
      frames = counted;
    }
    return false;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Whether the last frame of a log of this length is zeros. A frame begins with the number of its page, from 1. */
  #isHole(bytes: number): boolean {
    if (bytes < HEADER_BYTES) return false;
    this.#frameBytes ??= FRAME_HEADER_BYTES + this.#numberAt(PAGE_SIZE_OFFSET);
    const frames = Math.floor((bytes - HEADER_BYTES) / this.#frameBytes);
    return frames > 0 && this.#numberAt(HEADER_BYTES + (frames - 1) * this.#frameBytes) === 0;
  }

  /** 0 also where the file ends before it. */
  #numberAt(place: number): number {
    this.#number.fill(0);
    readSync(this.#file, this.#number, 0, NUMBER_BYTES, place);
    return this.#number.readUInt32BE();
  }
}

async function countFrames(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ log: number }>(LOG_STATE);
  return row?.log ?? 0;
}
