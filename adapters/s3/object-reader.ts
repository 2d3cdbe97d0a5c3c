import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { BlobStat, StoredBlob } from "../../protocols/index.js";
import { blobReplaced } from "../../src/blobs/blob-errors.js";
import { checkedBytes } from "../../src/blobs/checked-bytes.js";
import { BLOB_CHUNK_BYTES, S3_ATTEMPTS } from "../../src/limits.js";
import { bodyOf } from "./http-request.js";
import { checksumOf } from "./object-checksum.js";
import { pauseBefore, type S3Client } from "./s3-client.js";
import { disconnection, S3Failure, storageErrorOf } from "./s3-failure.js";
import { plainEtag } from "./s3-xml.js";

/** The beginning of an object, and what its headers say. */
interface ObjectBeginning {
  readonly headers: IncomingHttpHeaders;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/**
 * Finds an object. The first bytes come with it, which are all of most blobs; so no connection stays open for a reader who
 * does not read.
 *
 * @returns null when there is none
 */
export async function getObject(client: S3Client, key: string): Promise<StoredBlob | null> {
  const found = await beginningOf(client, key);
  if (found === null) return null;
  const { headers, size } = found;
  const stat = statOf(found);
  const checksum = checksumOf(headers, size, stat.etag);
  return { ...stat, data: checkedBytes(() => readObject(client, key, found), { size, checksum }) };
}

/** @returns null when there is none */
export async function statObject(client: S3Client, key: string): Promise<BlobStat | null> {
  const found = (await headersOf(client, key).catch(nullIfRefused)) ?? (await beginningOf(client, key));
  return found === null ? null : statOf(found);
}

/** An answer without a body does not say why, such as whether the object or its bucket is missing. That to a GET does. */
function nullIfRefused(error: unknown): null {
  if (error instanceof S3Failure && !error.isRetryable) return null;
  throw error;
}

function statOf({ headers, size }: ObjectBeginning): BlobStat {
  const contentType = headers["content-type"] ?? "application/octet-stream";
  return { size, contentType, etag: plainEtag(headers.etag) };
}

async function beginningOf(client: S3Client, key: string): Promise<ObjectBeginning | null> {
  const headers = { range: `bytes=0-${BLOB_CHUNK_BYTES - 1}` };
  try {
    return await client.request({ method: "GET", key, headers }, takeBeginning);
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    if (isNoObject(error)) return null;
    // An empty object has no first byte.
    if (error.status === 416) return headersOf(client, key);
    throw error;
  }
}

async function headersOf(client: S3Client, key: string): Promise<ObjectBeginning | null> {
  try {
    const { headers } = await client.call({ method: "HEAD", key });
    return { headers, size: Number(headers["content-length"]), bytes: new Uint8Array(0) };
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404) return null;
    throw error;
  }
}

async function takeBeginning(answer: IncomingMessage): Promise<ObjectBeginning> {
  const { headers } = answer;
  // A server that does not know ranges sends all of it.
  const size = answer.statusCode === 206 ? rangeOf(headers).size : Number(headers["content-length"]);
  const expected = Math.min(size, BLOB_CHUNK_BYTES);
  const bytes = await firstOf(answer, expected);
  if (bytes.length !== expected) throw new Error(`${bytes.length} of ${expected} bytes came`);
  return { headers, size, bytes };
}

async function firstOf(answer: IncomingMessage, count: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of count === 0 ? [] : bodyOf(answer)) {
    pieces.push(piece);
    length += piece.length;
    if (length > count) break;
  }
  if (count === 0) answer.destroy();
  return Buffer.concat(pieces).subarray(0, count);
}

/** The bytes of an object. What breaks off goes on where it broke off, if the object is still the same. */
async function* readObject(
  client: S3Client,
  key: string,
  { headers, size, bytes }: ObjectBeginning,
): AsyncGenerator<Uint8Array, void> {
  // Whoever gets them may change them, and others may read them again.
  if (bytes.length > 0) yield Uint8Array.from(bytes);
  let place = bytes.length;
  for (let attempt = 1; place < size; attempt += 1) {
    const answer = await rangeFrom(client, key, headers.etag ?? "", place);
    try {
      for await (const piece of bodyOf(answer)) {
        place += piece.length;
        attempt = 1;
        yield piece;
      }
      if (place >= size) return;
      throw new Error(`the answer ended after ${place} of ${size} bytes`);
    } catch (error) {
      if (attempt >= S3_ATTEMPTS) throw storageErrorOf(disconnection(error), false);
      await pauseBefore(attempt + 1);
    }
  }
}

async function rangeFrom(client: S3Client, key: string, etag: string, place: number): Promise<IncomingMessage> {
  const headers = { range: `bytes=${place}-`, "if-match": etag };
  try {
    return await client.request({ method: "GET", key, headers }, async (answer) => {
      const isAsked = answer.statusCode === 206 && rangeOf(answer.headers).first === place;
      if (isAsked && answer.headers.etag === headers["if-match"]) return answer;
      answer.destroy();
      if (isAsked) throw new S3Failure(412, "PreconditionFailed", "The server answered with another object");
      throw new S3Failure(501, "NotImplemented", "The server answered with other bytes than it was asked for");
    });
  } catch (error) {
    const isReplaced =
      error instanceof S3Failure && (isNoObject(error) || error.status === 412 || error.status === 416);
    throw isReplaced ? blobReplaced(key, client.bucketURL) : storageErrorOf(error, false);
  }
}

function rangeOf(headers: IncomingHttpHeaders): { first: number; size: number } {
  const [, first, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  return { first: Number(first), size: Number(size) };
}

function isNoObject({ status, code }: S3Failure): boolean {
  return status === 404 && code !== "NoSuchBucket";
}
