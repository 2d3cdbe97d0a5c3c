import { constants, existsSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import { eventChecksum } from "../checksum.js";
import { codecOf } from "../event-codec.js";

/** The last event that was acknowledged, as far as the witness knows. */
export interface WitnessedHead {
  readonly position: number;
  readonly checksum: number;
}

/** How often it is written at most. A write for each commit would cost a tenth of the rate of single appends. */
const WITNESS_INTERVAL_MS = 10;

/** Looks up whether the store has the event that a witness names. */
export type IsStored = (witnessed: WitnessedHead) => Promise<boolean>;

/**
 * Remembers, in a small file beside the database, the last event that was acknowledged.
 *
 * SQLite takes a log that was cut, or that has a changed bit in its middle, for one that ends there, and says nothing.
 * The witness still knows better: `verify` compares it with the store. It is written after commits without anybody
 * waiting for it, so that it may lag behind by what was acknowledged in the last milliseconds, and never runs ahead.
 *
 * A witness that contradicts the store is left as it is, so that every later check finds it; whoever accepts the loss
 * removes the file. When the last connection to the database is closed and there is no log left, there is no need for it.
 */
export class HeadWitness {
  readonly #database: string;
  readonly #isStored: IsStored;
  /** Whether this process writes the witness: not when it contradicts the store. Undefined until it has been looked at. */
  #isWritten: boolean | undefined;
  #next: PlacedEvent | undefined;
  /** Whether what is noted is about to be written. */
  #isDue = false;
  #writing: Promise<void> | undefined;

  constructor(database: string, isStored: IsStored) {
    this.#database = database;
    this.#isStored = isStored;
  }

  /** Takes note of a commit's last event. */
  acknowledged(last: PlacedEvent): void {
    this.#next = last;
    if (this.#isDue) return;
    this.#isDue = true;
    // A process's first timer takes a third of a millisecond, and the callers of the commit are still to be told.
    setImmediate(() => setTimeout(() => this.#write(), WITNESS_INTERVAL_MS).unref());
  }

  /** Writes what has been noted. A timer that comes later finds nothing. */
  async finished(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  /** Removes the file when the database is complete without a log. Comes after the database's closing. */
  async close(): Promise<void> {
    await this.finished();
    if (this.#isWritten === true && !existsSync(`${this.#database}-wal`)) await forgetWitness(this.#database);
  }

  #write(): void {
    this.#isDue = false;
    const last = this.#next;
    this.#next = undefined;
    if (last !== undefined) this.#writing = this.#writeAfter(this.#writing, last);
  }

  async #writeAfter(earlier: Promise<void> | undefined, last: PlacedEvent): Promise<void> {
    await earlier;
    try {
      this.#isWritten ??= await this.#agreesWithStore();
      if (this.#isWritten) await write(this.#database, headOf(last));
    } catch {
      // It is a second pair of eyes. A store whose witness cannot be written is as sound as one without.
      this.#isWritten = false;
    }
  }

  async #agreesWithStore(): Promise<boolean> {
    const witnessed = await readWitness(this.#database);
    return witnessed === null || (await this.#isStored(witnessed));
  }
}

function headOf(last: PlacedEvent): WitnessedHead {
  return { position: last.position, checksum: eventChecksum(last, codecOf(last.event)) };
}

/** What the witness of a database says; null when there is none, or it is not whole. */
export async function readWitness(database: string): Promise<WitnessedHead | null> {
  try {
    const file = await open(witnessPath(database), "r");
    return await read(file).finally(() => file.close());
  } catch {
    return null;
  }
}

/** Removes the witness of a database that is not there any more. */
export async function forgetWitness(database: string): Promise<void> {
  // What cannot be removed is no witness of ours.
  await rm(witnessPath(database), { force: true }).catch(() => undefined);
}

function witnessPath(database: string): string {
  return `${database}-head`;
}

const RECORD_BYTES = 64;

// Opened each time: a file that is held open would have to be closed by factories that nobody disposes of.
async function write(database: string, head: WitnessedHead): Promise<void> {
  const file = await open(witnessPath(database), constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    await file.write(encode(head), 0, RECORD_BYTES, 0);
  } finally {
    await file.close();
  }
}

function encode({ position, checksum }: WitnessedHead): Buffer {
  const text = `async-streams head ${position} ${checksum}`;
  return Buffer.from(`${text} ${crc32(text)}`.padEnd(RECORD_BYTES - 1).concat("\n"));
}

async function read(file: FileHandle): Promise<WitnessedHead | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(RECORD_BYTES), 0, RECORD_BYTES, 0);
  const match = /^(async-streams head (\d+) (-?\d+)) (\d+) *\n$/.exec(buffer.toString("latin1", 0, bytesRead));
  if (match === null || crc32(match[1] as string) !== Number(match[4])) return null;
  return { position: Number(match[2]), checksum: Number(match[3]) };
}
