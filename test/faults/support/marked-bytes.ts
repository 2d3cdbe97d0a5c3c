import type { BlobStore } from "../../../protocols/index.js";

const PIECE_BYTES = 50_000;

/** Bytes of which each says by which put it was stored. */
export async function* markedBytes(put: number, size: number): AsyncGenerator<Uint8Array, void> {
  const piece = new Uint8Array(PIECE_BYTES).fill(put % 251);
  for (let left = size; left > 0; left -= PIECE_BYTES) yield piece.subarray(0, Math.min(left, PIECE_BYTES));
}

/** A put that a process began, and whether it said that it is stored. */
export interface PutNote {
  readonly put: number;
  readonly key: string;
  readonly size: number;
  readonly isStored?: boolean;
}

/** Which put a blob is of; null when there is none. Fails when it is of none or of several. */
export async function putOf(blobs: BlobStore, key: string): Promise<{ put: number; size: number } | null> {
  const found = await blobs.get(key);
  if (found === null) return null;
  const put = Number(found.contentType.slice("text/".length));
  let size = 0;
  for await (const bytes of found.data) {
    size += bytes.length;
    if (bytes.some((byte) => byte !== put % 251)) throw new Error(`"${key}" has bytes of another put than ${put}`);
  }
  if (size !== found.size) throw new Error(`"${key}" has ${size} bytes instead of ${found.size}`);
  return { put, size };
}

/** What the blobs of killed processes may be: for each key the last put that is stored, and those begun after it. */
export class ExpectedBlobs {
  readonly #possible = new Map<string, readonly PutNote[]>();

  add({ isStored = false, ...note }: PutNote): void {
    const others = isStored ? [] : (this.#possible.get(note.key) ?? []);
    this.#possible.set(note.key, [...others, note]);
    if (isStored) this.#stored.add(note.key);
  }

  readonly #stored = new Set<string>();

  /** Compares a store with what is expected, and goes on from what it has. */
  async check(blobs: BlobStore): Promise<{ readonly keys: number; readonly unacknowledged: number }> {
    let unacknowledged = 0;
    const listed = new Map<string, number>();
    for await (const { key, size } of blobs.list()) listed.set(key, size);
    for (const [key, possible] of this.#possible) {
      const found = await putOf(blobs, key);
      if (found === null && this.#stored.has(key)) throw new Error(`"${key}" is gone`);
      const note = possible.find(({ put }) => put === found?.put);
      if (found !== null && note?.size !== found.size) throw new Error(`"${key}" is of put ${found.put}, not expected`);
      if (listed.get(key) !== found?.size) throw new Error(`"${key}" is listed with ${listed.get(key)} bytes`);
      if (note !== undefined && note !== possible[0]) unacknowledged += 1;
      listed.delete(key);
      if (note === undefined) this.#possible.set(key, []);
      else this.add({ ...note, isStored: true });
    }
    if (listed.size > 0) throw new Error(`these are listed and were never put: ${[...listed.keys()]}`);
    return { keys: this.#possible.size, unacknowledged };
  }
}
