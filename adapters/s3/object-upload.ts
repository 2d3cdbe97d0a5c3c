import { randomUUID } from "node:crypto";
import { type BlobStat, StorageError } from "../../protocols/index.js";
import type { BlobPut } from "../../src/blobs/create-blob-store.js";
import { MAX_S3_PARTS, S3_IDLE_TIMEOUT_MS } from "../../src/limits.js";
import { type BodyHashes, hashesOf, PART_BYTES_HEADER, PUT_ID_HEADER, SHA256_HEADER } from "./object-checksum.js";
import type { S3Client } from "./s3-client.js";
import { S3Failure } from "./s3-failure.js";
import { elementText, partsXML, plainEtag } from "./s3-xml.js";

/**
 * Stores a blob: one that fits into a part with one request, and a larger one in parts, which nobody sees before the last
 * request. Memory holds a part that is sent, and the next.
 */
export class ObjectUpload {
  readonly #client: S3Client;
  readonly #request: BlobPut;
  readonly #partBytes: number;
  readonly #putId = randomUUID();
  readonly #etags: string[] = [];
  /** Whether the server's etags are the MD5 of what they are of. */
  #areMD5 = true;
  #uploadId: string | undefined;
  #size = 0;

  constructor(client: S3Client, request: BlobPut, partBytes: number) {
    this.#client = client;
    this.#request = request;
    this.#partBytes = partBytes;
  }

  async run(): Promise<BlobStat> {
    let last: Uint8Array = new Uint8Array(0);
    try {
      for await (const bytes of this.#request.chunks) {
        if (last.length > 0) await this.#storePart(last);
        last = bytes;
      }
      if (this.#uploadId === undefined) return await this.#storeWhole(last);
      await this.#storePart(last);
      return await this.#complete();
    } catch (error) {
      // A server that is away is not waited for longer: the bucket's rule for incomplete uploads removes what is left.
      if (this.#uploadId !== undefined) {
        await this.#abort(AbortSignal.timeout(S3_IDLE_TIMEOUT_MS)).catch(() => undefined);
      }
      throw error;
    }
  }

  async #storeWhole(body: Uint8Array): Promise<BlobStat> {
    const { key, contentType, signal } = this.#request;
    const hashes = await hashesOf(body);
    const { sha256 } = hashes;
    const headers = { ...this.#headers, "content-md5": base64Of(hashes), [SHA256_HEADER]: sha256 };
    // From here on it is not known when the blob is stored, so that nothing interrupts it.
    signal?.throwIfAborted();
    try {
      const answer = await this.#client.call({ method: "PUT", key, headers, body, sha256 });
      return { size: body.length, contentType, etag: plainEtag(answer.headers.etag) };
    } catch (error) {
      const etag = error instanceof S3Failure && error.wasMaybeDone ? await this.#etagIfStored() : undefined;
      if (etag === undefined) throw error;
      return { size: body.length, contentType, etag };
    }
  }

  /** What is said of the object, however it is stored. */
  get #headers(): Readonly<Record<string, string>> {
    return { "content-type": this.#request.contentType, [PUT_ID_HEADER]: this.#putId };
  }

  async #storePart(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    const hashes = await hashesOf(bytes);
    this.#uploadId ??= await this.#begin();
    const etag = await this.#sendPart(bytes, hashes);
    const isFirst = this.#etags.length === 0;
    if (isFirst && plainEtag(etag) !== hashes.md5.toString("hex")) {
      // The object cannot be checked by its etag, and says so from its beginning.
      await this.#abort();
      this.#areMD5 = false;
      this.#uploadId = await this.#begin();
      this.#etags.push(await this.#sendPart(bytes, hashes));
      return;
    }
    this.#etags.push(etag);
  }

  async #begin(): Promise<string> {
    const { key, signal } = this.#request;
    const partBytes = this.#areMD5 ? { [PART_BYTES_HEADER]: String(this.#partBytes) } : {};
    const headers = { ...this.#headers, ...partBytes };
    const query = { uploads: "" };
    // An upload whose id is not known cannot be aborted.
    const { text } = await this.#client.call({ method: "POST", key, query, headers, signal, awaitsAnswer: true });
    const uploadId = elementText(text, "UploadId");
    if (uploadId === undefined) throw new S3Failure(200, "", "The server began an upload and gave it no id");
    return uploadId;
  }

  async #sendPart(body: Uint8Array, hashes: BodyHashes): Promise<string> {
    const { key, signal } = this.#request;
    const partNumber = this.#etags.length + 1;
    if (partNumber > MAX_S3_PARTS) throw tooManyParts(this.#partBytes);
    const { headers } = await this.#client.call({
      method: "PUT",
      key,
      query: { partNumber: String(partNumber), uploadId: this.#uploadId as string },
      headers: { "content-md5": base64Of(hashes) },
      body,
      sha256: hashes.sha256,
      signal,
    });
    return headers.etag ?? "";
  }

  /** Shows the blob to others. It is not interrupted: nobody would know whether it is stored. */
  async #complete(): Promise<BlobStat> {
    const { key, contentType, signal } = this.#request;
    signal?.throwIfAborted();
    const stat = { size: this.#size, contentType };
    const body = partsXML(this.#etags);
    const { sha256 } = await hashesOf(body);
    const query = { uploadId: this.#uploadId as string };
    try {
      const { text } = await this.#client.call({ method: "POST", key, query, body, sha256 });
      return { ...stat, etag: plainEtag(elementText(text, "ETag")) };
    } catch (error) {
      return { ...stat, etag: await this.#settle(error) };
    } finally {
      this.#uploadId = undefined;
    }
  }

  /**
   * Finds out whether an upload was completed although no answer said so.
   *
   * @returns the etag when it was
   * @throws the error when it was not, and S3Failure `NoSuchUpload` when it may have been
   */
  async #settle(error: unknown): Promise<string> {
    const wasAborted = await this.#abort().then(
      () => true,
      () => false,
    );
    if (!(error instanceof S3Failure && (error.isRetryable || error.code === "NoSuchUpload"))) throw error;
    const etag = await this.#etagIfStored();
    if (etag !== undefined) return etag;
    // An upload that could be aborted was not completed, and never will be.
    if (wasAborted) throw error;
    throw new S3Failure(0, "NoSuchUpload", error.message, { cause: error });
  }

  /** The etag of the object, if it is this put's. */
  async #etagIfStored(): Promise<string | undefined> {
    try {
      const { headers } = await this.#client.call({ method: "HEAD", key: this.#request.key });
      return headers[PUT_ID_HEADER] === this.#putId ? plainEtag(headers.etag) : undefined;
    } catch {
      return undefined;
    }
  }

  async #abort(signal?: AbortSignal): Promise<void> {
    const query = { uploadId: this.#uploadId as string };
    await this.#client.call({ method: "DELETE", key: this.#request.key, query, signal });
  }
}

function base64Of({ md5 }: BodyHashes): string {
  return md5.toString("base64");
}

function tooManyParts(partBytes: number): StorageError {
  const message =
    `The blob has more than ${MAX_S3_PARTS} parts of ${partBytes} bytes. Nothing was stored. ` +
    "Put it into a store whose partBytes is larger.";
  return new StorageError("STORAGE_UNSUPPORTED", message);
}
