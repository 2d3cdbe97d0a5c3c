import { readSync } from "node:fs";
import { FRAME_HEADER_BYTES, FRAME_SALT_OFFSET, HEADER_BYTES, PAGE_SIZE_OFFSET, SALT_OFFSET } from "./log-frame.js";

/** How many bytes the two numbers have that become others when the log begins anew. */
const SALT_BYTES = 8;

/** Where a frame says how many pages the database has. It says so only at the end of a commit. */
const PAGE_COUNT_OFFSET = 4;

/** How many frames are read at once, and how often, behind a commit: one of more frames is not followed. */
const FRAMES_A_READ = 8;
const MAX_READS = 32;

/**
 * The place behind the last commit in the log. It shows without a statement whether anybody has committed since, whichever
 * connection, thread or process it was.
 *
 * SQLite writes each commit behind the one before it, and readers see it only after that. So while no frame of this log is at the
 * place, there is none to see. A log that begins anew has other numbers in its header before it has another frame.
 *
 * Frames without a commit, of a writer that is under way or has ended early, count as a commit does: what is behind this place is
 * then read from the database.
 */
export class LogEnd {
  readonly #file: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #frame = Buffer.alloc(FRAME_HEADER_BYTES);
  /** What each frame repeats of the header. */
  readonly #salts = Buffer.alloc(SALT_BYTES);
  #frames = Buffer.alloc(0);
  #frameBytes = 0;
  #end = 0;

  /** @param file - the log, open for reading */
  constructor(file: number) {
    this.#file = file;
  }

  /**
   * Finds the place.
   *
   * @param countFrames - asks SQLite how many frames the log has
   * @returns false where the log began anew meanwhile, or has nothing
   */
  async find(countFrames: () => Promise<number>): Promise<boolean> {
    if (!this.#findLog()) return false;
    const frames = await countFrames();
    this.#end = HEADER_BYTES + frames * this.#frameBytes;
    return frames > 0 && this.#isSameLog();
  }

  /** Whether nobody has committed since. The frame is looked at first: later, the log may have begun anew without it. */
  isLast(): boolean {
    const bytes = this.#read(this.#frame, this.#end);
    // A part of a frame is one that is being written. Another log had what does not repeat the header of this one.
    const isFrame = bytes > 0 && (bytes < FRAME_HEADER_BYTES || this.#isOfLog(this.#frame, 0));
    return !isFrame && this.#isSameLog();
  }

  /**
   * Moves on behind a commit of this process. One that the log began anew with is not followed: it could be another's, if this
   * process was suspended since.
   *
   * @returns whether it is the only one behind the place that is known
   */
  follow(): boolean {
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const bytes = this.#read(this.#frames, this.#end);
      for (let at = 0; at < bytes; at += this.#frameBytes) {
        if (at + FRAME_HEADER_BYTES > bytes || !this.#isOfLog(this.#frames, at)) return false;
        this.#end += this.#frameBytes;
        if (this.#frames.readUInt32BE(at + PAGE_COUNT_OFFSET) > 0) return this.isLast();
      }
      if (bytes < this.#frames.length) return false;
    }
    return false;
  }

  #isOfLog(frames: Buffer, at: number): boolean {
    const salts = at + FRAME_SALT_OFFSET;
    return this.#salts.compare(frames, salts, salts + SALT_BYTES) === 0;
  }

  #isSameLog(): boolean {
    const bytes = this.#read(this.#header, 0);
    return bytes === HEADER_BYTES && this.#salts.compare(this.#header, SALT_OFFSET, SALT_OFFSET + SALT_BYTES) === 0;
  }

  /** Takes note of the log that is there. @returns whether there is one */
  #findLog(): boolean {
    if (this.#read(this.#header, 0) < HEADER_BYTES) return false;
    this.#header.copy(this.#salts, 0, SALT_OFFSET, SALT_OFFSET + SALT_BYTES);
    this.#frameBytes = FRAME_HEADER_BYTES + this.#header.readUInt32BE(PAGE_SIZE_OFFSET);
    const framesBytes = FRAMES_A_READ * this.#frameBytes;
    if (this.#frames.length !== framesBytes) this.#frames = Buffer.allocUnsafeSlow(framesBytes);
    return this.#frameBytes > FRAME_HEADER_BYTES;
  }

  /** How many bytes the file has from a place on, as far as they fit. Where the disk does not say, one, so that SQLite is asked. */
  #read(into: Buffer, place: number): number {
    try {
      return readSync(this.#file, into, 0, into.length, place);
    } catch {
      return 1;
    }
  }
}
