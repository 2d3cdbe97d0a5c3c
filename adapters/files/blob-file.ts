import { type FileHandle, open } from "node:fs/promises";
import { BLOB_CHUNK_BYTES } from "../../src/limits.js";
import { type BlobTrailer, damagedFile, decodeTrailer, MAX_TRAILER_BYTES } from "./blob-trailer.js";
import { ifThere, onDisk } from "./file-errors.js";

/** How much of a file is read with its trailer: all of it, where the blob is small. */
const END_BYTES = 4 * MAX_TRAILER_BYTES;

/** A blob's file, as one look at it found it. */
export interface BlobFile {
  readonly trailer: BlobTrailer;
  /** The bytes of the blob, where they came with the trailer. */
  readonly bytes: Uint8Array | undefined;
}

/** @returns null when there is no such file */
export async function lookAtFile(path: string): Promise<BlobFile | null> {
  const handle = await openFile(path);
  if (handle === null) return null;
  try {
    return await readEnd(handle, path);
  } finally {
    await handle.close();
  }
}

/**
 * Reads the bytes of a blob. Once it has begun, a file that is replaced or deleted is read to its end.
 *
 * @param etag - what was found before
 * @returns the bytes; nothing when the blob is not there any more
 */
export async function* readFileBytes(
  path: string,
  etag: string,
  onReplaced: () => Error,
): AsyncGenerator<Uint8Array, void> {
  const handle = await openFile(path);
  if (handle === null) throw onReplaced();
  try {
    const { trailer } = await readEnd(handle, path);
    if (trailer.etag !== etag) throw onReplaced();
    let place = 0;
    while (place < trailer.size) {
      const bytes = await readAt(handle, path, place, Math.min(BLOB_CHUNK_BYTES, trailer.size - place));
      if (bytes.length === 0) throw damagedFile(path, `it ends after ${place} of ${trailer.size} bytes`);
      place += bytes.length;
      yield bytes;
    }
  } finally {
    await handle.close();
  }
}

function openFile(path: string): Promise<FileHandle | null> {
  return ifThere(path, () => open(path, "r"));
}

async function readEnd(handle: FileHandle, path: string): Promise<BlobFile> {
  const { size: fileBytes } = await onDisk(path, () => handle.stat());
  const from = Math.max(0, fileBytes - END_BYTES);
  const end = await readAt(handle, path, from, fileBytes - from);
  const trailer = decodeTrailer(end, from + end.length, path);
  return { trailer, bytes: from === 0 ? end.subarray(0, trailer.size) : undefined };
}

/** Reads so many bytes, or fewer at the end of the file. */
async function readAt(handle: FileHandle, path: string, place: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await onDisk(path, () => handle.read(buffer, filled, length - filled, place + filled));
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
