import { crc32 } from "node:zlib";
import type { BlobStat } from "../../protocols/index.js";
import { damagedBlob } from "../../src/blobs/blob-errors.js";

/** What a file has of a blob, behind its bytes. */
export interface BlobTrailer extends BlobStat {
  readonly key: string;
}

/**
 * A file is the bytes of a blob, this trailer as JSON, and a footer: the length of the JSON and its CRC-32, each of four
 * bytes, and eight bytes that say what the file is. What is known only at the end can be written without going back.
 */
const FORMAT = Buffer.from("\nBLOB v1");
const FOOTER_BYTES = 8 + FORMAT.length;

/** No trailer is larger: a key of 1,024 units takes six bytes for each of them at most. */
export const MAX_TRAILER_BYTES = 16 * 1024;

export function encodeTrailer({ key, size, contentType, etag }: BlobTrailer): Uint8Array {
  const text = Buffer.from(JSON.stringify({ key, size, contentType, etag }));
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32BE(text.length, 0);
  footer.writeUInt32BE(crc32(text), 4);
  FORMAT.copy(footer, 8);
  return Buffer.concat([text, footer]);
}

/**
 * @param end - the end of a file: all of it, or more than a trailer takes
 * @param fileBytes - how long the file is
 * @throws StorageError `STORAGE_CORRUPT` when it is not the end of a blob's file
 */
export function decodeTrailer(end: Buffer, fileBytes: number, path: string): BlobTrailer {
  const footerAt = end.length - FOOTER_BYTES;
  if (footerAt < 0 || !end.subarray(footerAt + 8).equals(FORMAT))
    throw damagedFile(path, "it does not end as one does");
  const textBytes = end.readUInt32BE(footerAt);
  if (textBytes > footerAt) throw damagedFile(path, "its end is not what was written");
  const text = end.subarray(footerAt - textBytes, footerAt);
  if (crc32(text) !== end.readUInt32BE(footerAt + 4)) throw damagedFile(path, "its end is not what was written");
  const trailer = JSON.parse(text.toString()) as BlobTrailer;
  const size = fileBytes - FOOTER_BYTES - textBytes;
  if (size !== trailer.size) throw damagedFile(path, `it has ${size} of the ${trailer.size} bytes that were stored`);
  return trailer;
}

export function damagedFile(path: string, reason: string): Error {
  return damagedBlob(`in ${path}, ${reason}`);
}
