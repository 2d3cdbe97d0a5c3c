import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { SQLiteConnection } from "../drivers/driver.js";
import { LogEnd } from "./log-end.js";
import {
  CHECKSUM_BYTES,
  FRAME_CHECKSUM_OFFSET,
  FRAME_HEADER_BYTES,
  FRAME_SALT_OFFSET,
  HEADER_BYTES,
  HEADER_CHECKSUM_OFFSET,
  isWhole,
  PAGE_SIZE_OFFSET,
  SALT_OFFSET,
} from "./log-frame.js";
import { unreadable } from "./open-file-error.js";

const NUMBER_BYTES = 4;

/** Copies nothing, and reports the length of the log. */
export const LOG_STATE = "PRAGMA wal_checkpoint(NOOP)";

/** How often to try again when others restart the log meanwhile. */
const MAX_ATTEMPTS = 10;

/** How many frames are looked at until others get a turn of the event loop. */
const FRAMES_A_TURN = 1_000;

/** How many frames are read at once: the one before the end, and those of a commit of one event, three or a few more. */
const FRAMES_A_READ = 9;

/**
 * Notices when the length of the log shows that it was cut while the store is open. SQLite does not: it writes on behind
 * the end that it remembers, and leaves a hole of zeros that no later reader gets past.
 *
 * The file is only ever longer, or the same, except that SQLite shortens it when the log begins anew. So a log that has
 * become shorter is compared with what SQLite takes it to hold. One that was cut and written to again has a hole: of the frame
 * before its end, as it was last seen, and those behind it, one is zeros then, or ends with zeros. A frame that does is compared
 * with its checksum.
 *
 * A log that began anew is written over what it held before, so that the file's end is not where SQLite writes. Its hole may
 * be anywhere: when it gets longer than it was, or shorter, all of its frames are looked at.
 *
 * The length alone does not show a log that another program cut, and that was then filled with zeros to exactly the length
 * of the last look: it has the same length, and its content is not read. Such a cut is not noticed here.
 *
 * The log's own file carries no locks of SQLite, so that opening it here, and closing it, drops none.
 */
export class LogLength {
  readonly #file: number;
  readonly #number = Buffer.alloc(NUMBER_BYTES);
  /** Where the log ended when it was last seen. */
  #end: number;
  /**
   * What its header had then, another number each time that it begins anew. NaN, which equals nothing, where the file may
   * have been longer than the log.
   */
  #salt = Number.NaN;
  #frameBytes: number | undefined;
  /** Frames that are read. */
  #frames: Buffer | undefined;
  readonly #checksum = Buffer.alloc(CHECKSUM_BYTES);

  constructor(path: string) {
    try {
      this.#file = openSync(path, "r");
    } catch (cause) {
      throw unreadable(path, cause);
    }
    this.#end = this.#size() ?? 0;
  }

  /** Looks where it ends. */
  newEnd(): LogEnd {
    return new LogEnd(this.#file);
  }

  /** How long it was when it was last seen. */
  get bytes(): number {
    return this.#end;
  }

  /** Whether it is shorter than it was, or longer and began anew meanwhile, or has a hole. */
  mayBeCut(): boolean {
    if (this.#goesOn()) return false;
    const size = this.#size();
    // SQLite writes on behind the end that it remembers: a log that was cut ends elsewhere after the next commit. One that
    // was filled with zeros to the same length again is not told from one that did not change.
    if (size === undefined || size === this.#end) return false;
    const salt = this.#numberAt(SALT_OFFSET);
    const beganAnew = this.#end >= HEADER_BYTES && salt !== this.#salt;
    if (size < this.#end || beganAnew || this.#hasHole(size)) return true;
    this.#end = size;
    this.#salt = salt;
    return false;
  }

  /**
   * Whether what SQLite takes the log to hold is not all there. Others may begin the log anew between the two looks, and
   * fill it to the same length again: so only a log that fails every look is cut.
   */
  async isCut(connection: SQLiteConnection): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const salt = this.#numberAt(SALT_OFFSET);
      const frames = await countFrames(connection);
      const end = frames === 0 ? 0 : this.#startOf(frames);
      const size = this.#size() ?? end;
      if (size < end || (await this.#lacksFrame(frames))) continue;
      this.#end = size;
      this.#salt = size > end ? Number.NaN : salt;
      return false;
    }
    return true;
  }

  /** Whether the header is zeros, or one of so many frames is not all there. */
  async #lacksFrame(frames: number): Promise<boolean> {
    if (frames > 0 && this.#numberAt(0) === 0) return true;
    for (let frame = 0; frame < frames; frame += FRAMES_A_TURN) {
      if (frame > 0) await setImmediate();
      if (this.#isAnyDamaged(frame, Math.min(frames, frame + FRAMES_A_TURN))) return true;
    }
    return false;
  }

  /** Whether its last commit is no older than a time. False where the disk does not say. */
  wasWrittenSince(timeNs: bigint): boolean {
    try {
      return fstatSync(this.#file, { bigint: true }).mtimeNs >= timeNs;
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /**
   * Whether one read shows that the log goes on where it ended, or did not change: it did not begin anew, and has no hole
   * there. Where it is longer by many frames, other reads have to show that.
   *
   * To ask the file system for the length would slow down the next commit. Linux, from 6.13 on, notes the time of a write
   * exactly once somebody has asked for it, and syncs it together with what was written:
   * https://docs.kernel.org/filesystems/multigrain-ts.html
   */
  #goesOn(): boolean {
    const frameBytes = this.#startOf(1) - HEADER_BYTES;
    const isAfterFrame = this.#end >= HEADER_BYTES + frameBytes && (this.#end - HEADER_BYTES) % frameBytes === 0;
    if (this.#frameBytes === undefined || !isAfterFrame) return false;
    const frames = this.#buffer(frameBytes);
    const bytes = this.#read(frames, this.#end - frameBytes);
    if (bytes === frameBytes) return true;
    // The buffer has one byte more than the frames, which shows that there is more.
    if (bytes < 2 * frameBytes || bytes % frameBytes !== 0) return false;
    // Each frame repeats what the header has.
    if (frames.readUInt32BE(frameBytes + FRAME_SALT_OFFSET) !== this.#salt) return false;
    const first = this.#framesBefore(this.#end) - 1;
    for (let at = 0; at < bytes; at += frameBytes) if (this.#isDamaged(first + at / frameBytes, at)) return false;
    this.#end += bytes - frameBytes;
    return true;
  }

  /**
   * Whether, before an end, the header of the log, the frame next to where it ended or one behind it is not all there, or these are
   * so many that others have to get a turn meanwhile.
   */
  #hasHole(end: number): boolean {
    if (end < HEADER_BYTES) return false;
    const isNew = this.#end < HEADER_BYTES;
    if (isNew && this.#numberAt(0) === 0) return true;
    const first = isNew ? 0 : Math.max(0, Math.floor(this.#framesBefore(this.#end)) - 1);
    const count = Math.floor(this.#framesBefore(end));
    return count - first > FRAMES_A_TURN || this.#isAnyDamaged(first, count);
  }

  #framesBefore(end: number): number {
    return (end - HEADER_BYTES) / (this.#startOf(1) - HEADER_BYTES);
  }

  /** Looks at frames from one, counted from 0, up to another, as far as the file has them. */
  #isAnyDamaged(first: number, end: number): boolean {
    const frameBytes = this.#startOf(1) - HEADER_BYTES;
    if (this.#frameBytes === undefined) return first < end && this.#numberAt(this.#startOf(first)) === 0;
    for (let frame = first; frame < end; frame += FRAMES_A_READ) {
      const bytes = this.#read(this.#buffer(frameBytes), this.#startOf(frame));
      const count = Math.min(FRAMES_A_READ, end - frame, Math.floor(bytes / frameBytes));
      for (let index = 0; index < count; index += 1) {
        if (this.#isDamaged(frame + index, index * frameBytes)) return true;
      }
    }
    return false;
  }

  /**
   * Whether a frame begins with zeros instead of the number of its page, or ends with zeros that it was not written with.
   *
   * @param at - where it is among the frames that were read
   */
  #isDamaged(frame: number, at: number): boolean {
    const frames = this.#frames as Buffer;
    const end = at + (this.#frameBytes ?? 0);
    return frames.readUInt32BE(at) === 0 || (frames[end - 1] === 0 && this.#isTorn(frame, frames.subarray(at, end)));
  }

  #buffer(frameBytes: number): Buffer {
    this.#frames ??= Buffer.allocUnsafeSlow(FRAMES_A_READ * frameBytes + 1);
    return this.#frames;
  }

  /** Whether a frame was cut and got zeros in place of its end. */
  #isTorn(frame: number, content: Buffer): boolean {
    const place = frame === 0 ? HEADER_CHECKSUM_OFFSET : this.#startOf(frame - 1) + FRAME_CHECKSUM_OFFSET;
    if (this.#read(this.#checksum, place) < CHECKSUM_BYTES) return false;
    return !isWhole(content, this.#checksum, this.#numberAt(0));
  }

  #startOf(frame: number): number {
    if (this.#frameBytes === undefined) {
      const pageBytes = this.#numberAt(PAGE_SIZE_OFFSET);
      // A log that was emptied just now has no header yet, and is asked again.
      if (pageBytes > 0) this.#frameBytes = FRAME_HEADER_BYTES + pageBytes;
    }
    return HEADER_BYTES + frame * (this.#frameBytes ?? FRAME_HEADER_BYTES);
  }

  /** 0 also where the file ends before it; not 0 where the disk does not say. */
  #numberAt(place: number): number {
    this.#number.fill(0);
    try {
      readSync(this.#file, this.#number, 0, NUMBER_BYTES, place);
    } catch {
      return Number.NaN;
    }
    return this.#number.readUInt32BE();
  }

  /** How many bytes the file has from a place on, as far as they fit; none where the disk does not say. */
  #read(into: Buffer, place: number): number {
    try {
      return readSync(this.#file, into, 0, into.length, place);
    } catch {
      return 0;
    }
  }

  /** Undefined where the disk does not say. SQLite reports a disk that fails; nothing is known to be cut. */
  #size(): number | undefined {
    try {
      return fstatSync(this.#file).size;
    } catch {
      return undefined;
    }
  }
}

/** How many frames SQLite takes the log to hold. */
export async function countFrames(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ log: number }>(LOG_STATE);
  return row?.log ?? 0;
}
