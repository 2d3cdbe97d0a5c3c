import type { DiskRecord } from "./disk-log.js";

const SECTOR_BYTES = 512;

/** What a power cut leaves of the changes that were not synced: nothing, each by chance, or each sector by chance. */
export type PowerCut = "dropped" | "halved" | "torn";

type Change = { readonly offset: number; readonly data: Buffer } | { readonly size: number };
type Names = Map<string, SimulatedFile>;

/**
 * A folder on a disk that forgets what was not synced: the content of a file until the file is synced, and that a file
 * was made or removed until the folder is. Fed with a log, it can lose power at any moment.
 */
export class SimulatedDisk {
  readonly #names: Names = new Map();
  readonly #syncedNames: Names = new Map();
  #unsyncedNames: { readonly name: string; readonly file: SimulatedFile | undefined }[] = [];

  apply({ operation, name, offset, data }: DiskRecord): void {
    if (operation === "create") this.#setName(name, new SimulatedFile());
    else if (operation === "remove") this.#setName(name, undefined);
    else if (name === ".") this.#syncNames();
    else if (operation === "sync") this.#file(name).sync();
    else this.#file(name).change(operation === "write" ? { offset, data } : { size: offset });
  }

  /** The files that are found when the power is back. */
  afterCut(cut: PowerCut, random: () => number): Map<string, Buffer> {
    const names: Names = new Map(this.#syncedNames);
    for (const { name, file } of this.#unsyncedNames) if (isKept(cut, random)) setOrDelete(names, name, file);
    return new Map([...names].map(([name, file]) => [name, file.afterCut(cut, random)]));
  }

  #file(name: string): SimulatedFile {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`the disk log has no beginning of ${name}`);
    return file;
  }

  #setName(name: string, file: SimulatedFile | undefined): void {
    setOrDelete(this.#names, name, file);
    this.#unsyncedNames.push({ name, file });
  }

  #syncNames(): void {
    for (const { name, file } of this.#unsyncedNames) setOrDelete(this.#syncedNames, name, file);
    this.#unsyncedNames = [];
  }
}

class SimulatedFile {
  readonly #synced = new GrowingBuffer();
  #unsynced: Change[] = [];

  change(change: Change): void {
    this.#unsynced.push(change);
  }

  sync(): void {
    for (const change of this.#unsynced) this.#synced.apply(change);
    this.#unsynced = [];
  }

  afterCut(cut: PowerCut, random: () => number): Buffer {
    const left = this.#synced.copy();
    const parts = cut === "torn" ? this.#unsynced.flatMap(sectors) : this.#unsynced;
    for (const change of parts) if (isKept(cut, random)) left.apply(change);
    return left.content;
  }
}

function isKept(cut: PowerCut, random: () => number): boolean {
  return cut !== "dropped" && random() < 0.5;
}

function setOrDelete(names: Names, name: string, file: SimulatedFile | undefined): void {
  if (file === undefined) names.delete(name);
  else names.set(name, file);
}

/** The pieces of a write that reach a disk one by one. */
function sectors(change: Change): Change[] {
  if ("size" in change) return [change];
  const pieces: Change[] = [];
  const { offset, data } = change;
  for (let start = 0; start < data.length; ) {
    const end = Math.min(data.length, start + SECTOR_BYTES - ((offset + start) % SECTOR_BYTES));
    pieces.push({ offset: offset + start, data: data.subarray(start, end) });
    start = end;
  }
  return pieces;
}

/** The content of a file, with room behind it that holds zeros. */
class GrowingBuffer {
  #bytes: Buffer = Buffer.alloc(4_096);
  #length = 0;

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  apply(change: Change): void {
    if ("size" in change) {
      this.#reserve(change.size);
      // What a file was cut by reads as zeros when it grows again.
      this.#bytes.fill(0, Math.min(change.size, this.#length), this.#length);
      this.#length = change.size;
    } else {
      const end = change.offset + change.data.length;
      this.#reserve(end);
      change.data.copy(this.#bytes, change.offset);
      this.#length = Math.max(this.#length, end);
    }
  }

  copy(): GrowingBuffer {
    const copy = new GrowingBuffer();
    copy.#bytes = Buffer.from(this.#bytes);
    copy.#length = this.#length;
    return copy;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(bytes, 2 * this.#bytes.length));
    this.content.copy(larger);
    this.#bytes = larger;
  }
}
