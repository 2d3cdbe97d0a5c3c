import { createHash } from "node:crypto";

/** A prime, so that no two chunks of a large blob are equal, whatever their size. */
const PERIOD_BYTES = 1_000_003;

/** Bytes that differ from place to place, and for each seed. */
export function someBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let index = 0; index < Math.min(length, PERIOD_BYTES); index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  for (let filled = PERIOD_BYTES; filled < length; filled *= 2) bytes.copyWithin(filled, 0, length - filled);
  return bytes;
}

/** The same bytes in pieces of some size, as a stream has them. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.slice(start, start + pieceBytes);
}

/** All that an iterable has. */
export async function allBytes(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** Names bytes briefly: comparing a million of them with a test runner's `expect` takes seconds. */
export function fingerprint(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex")}`;
}
