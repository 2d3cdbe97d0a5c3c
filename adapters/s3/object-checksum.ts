import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { setImmediate } from "node:timers/promises";
import { type ContentDigest, type ExpectedContent, sha256 } from "../../src/blobs/checked-bytes.js";

/** The header of an object that was stored in one piece: the SHA-256 of its bytes. */
export const SHA256_HEADER = "x-amz-meta-blob-sha256";

/**
 * The header of an object that was stored in parts whose etags are their MD5: how large they are. The etag of the object is
 * then the MD5 of those, which can be computed again.
 */
export const PART_BYTES_HEADER = "x-amz-meta-blob-part-bytes";

/** The header that says by which put an object was stored, so that a put whose answer is lost finds out whether it was. */
export const PUT_ID_HEADER = "x-amz-meta-blob-put-id";

/** How many bytes are hashed at a time, before others have their turn. */
const HASHED_BYTES = 1024 * 1024;

/** The hashes of bytes that are about to be sent. */
export interface BodyHashes {
  /** In hexadecimal digits. */
  readonly sha256: string;
  readonly md5: Buffer;
}

export async function hashesOf(bytes: Uint8Array): Promise<BodyHashes> {
  const [sha, md5] = [createHash("sha256"), createHash("md5")];
  for (let start = 0; start < bytes.length; start += HASHED_BYTES) {
    if (start > 0) await setImmediate();
    const piece = bytes.subarray(start, start + HASHED_BYTES);
    sha.update(piece);
    md5.update(piece);
  }
  return { sha256: sha.digest("hex"), md5: md5.digest() };
}

/** The etag that an object of parts has, where those of the parts are their MD5. */
export function etagOfParts(md5s: readonly Buffer[]): string {
  return `${createHash("md5").update(Buffer.concat(md5s)).digest("hex")}-${md5s.length}`;
}

/** What is known of the bytes of an object by its headers. */
export function checksumOf(headers: IncomingHttpHeaders, size: number, etag: string): ExpectedContent["checksum"] {
  const expected = headers[SHA256_HEADER];
  if (typeof expected === "string") return { expected, start: sha256 };
  const partBytes = Number(headers[PART_BYTES_HEADER]);
  // A tool that copied it may have made other parts.
  if (!(partBytes > 0) || !etag.endsWith(`-${Math.ceil(size / partBytes)}`)) return undefined;
  return { expected: etag, start: () => new PartsDigest(partBytes) };
}

class PartsDigest implements ContentDigest {
  readonly #partBytes: number;
  readonly #md5s: Buffer[] = [];
  #hash = createHash("md5");
  #hashed = 0;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  update(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; ) {
      const piece = bytes.subarray(start, start + this.#partBytes - this.#hashed);
      this.#hash.update(piece);
      this.#hashed += piece.length;
      start += piece.length;
      if (this.#hashed === this.#partBytes) this.#endPart();
    }
  }

  digest(): string {
    if (this.#hashed > 0) this.#endPart();
    return etagOfParts(this.#md5s);
  }

  #endPart(): void {
    this.#md5s.push(this.#hash.digest());
    this.#hash = createHash("md5");
    this.#hashed = 0;
  }
}
