import { createHash } from "node:crypto";
import { damagedBlob } from "./blob-errors.js";

/** Computes a checksum of bytes that come one after the other. */
export interface ContentDigest {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/** What the bytes of a blob have to be. */
export interface ExpectedContent {
  readonly size: number;
  /** Absent: the size is all that is known. */
  readonly checksum?: { readonly expected: string; readonly start: () => ContentDigest } | undefined;
}

/** SHA-256, as hexadecimal digits. */
export function sha256(): ContentDigest {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
}

/**
 * Passes bytes on, and keeps the last chunk back until all of them were checked. Each iteration reads anew.
 *
 * @param read - starts reading
 * @throws StorageError `STORAGE_CORRUPT` when they are too many, too few, or others
 */
export function checkedBytes(
  read: () => AsyncIterable<Uint8Array>,
  expected: ExpectedContent,
): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => passChecked(read(), expected) };
}

async function* passChecked(
  source: AsyncIterable<Uint8Array>,
  { size, checksum }: ExpectedContent,
): AsyncGenerator<Uint8Array, void> {
  const digest = checksum?.start();
  let received = 0;
  let last: Uint8Array | undefined;
  for await (const bytes of source) {
    received += bytes.length;
    if (received > size) throw damagedBlob(`it has more than the ${size} bytes that were stored`);
    digest?.update(bytes);
    if (last !== undefined) yield last;
    last = bytes;
  }
  if (received < size) throw damagedBlob(`it has only ${received} of the ${size} bytes that were stored`);
  if (digest !== undefined && digest.digest() !== checksum?.expected) {
    throw damagedBlob("its bytes are not those that were stored");
  }
  if (last !== undefined) yield last;
}
