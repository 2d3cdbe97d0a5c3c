import type { BlobStat, BlobStore, ListedBlob, StoredBlob } from "../../protocols/index.js";
import { type BlobBackend, type BlobPut, createBlobStore } from "../../src/blobs/create-blob-store.js";
import { LISTED_BLOBS, MAX_S3_KEY_BYTES } from "../../src/limits.js";
import { invalidArgument } from "../../src/validate/check-arguments.js";
import { getObject, statObject } from "./object-reader.js";
import { ObjectUpload } from "./object-upload.js";
import { S3Client } from "./s3-client.js";
import { S3Failure, storageErrorOf } from "./s3-failure.js";
import { parseS3Options, type S3Options, type S3Settings } from "./s3-options.js";
import { parseListing } from "./s3-xml.js";

/**
 * Keeps blobs as objects in a bucket of S3, or of a service that speaks its protocol (R2, MinIO and others). It needs the
 * package `aws4fetch`, which it loads at the first request. A key has 1,024 bytes of UTF-8 at most.
 *
 * A blob of more than `partBytes` is stored in parts; one that is interrupted is aborted. Add a rule to the bucket that aborts
 * incomplete uploads (`AbortIncompleteMultipartUpload`), which killed processes leave behind.
 *
 * Requests that fail on the way, or that the server asks to make later, are made up to five times (`S3_ATTEMPTS`). A reader
 * who is in the middle of a blob that is replaced gets all of it, or a `BlobReplacedError` if the connection broke.
 *
 * Bytes are checked against the SHA-256 that was stored with them, and those of a blob in parts against its etag. An object
 * that was stored by others has to have its size.
 *
 * @throws InvalidArgumentError when an option is unknown or invalid
 *
 * @example
 * ```ts
 * const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
 * const blobs = s3Blobs({
 *   endpoint: "https://s3.eu-central-1.amazonaws.com",
 *   region: "eu-central-1",
 *   bucket: "scans",
 *   credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
 * });
 * await blobs.put("scans/1.png", createReadStream("1.png"), { contentType: "image/png" });
 * ```
 */
export function s3Blobs(options: S3Options): BlobStore {
  return createBlobStore(new S3Blobs(parseS3Options(options)));
}

class S3Blobs implements BlobBackend {
  readonly location: string;
  readonly chunkBytes: number;
  readonly #client: S3Client;

  constructor(settings: S3Settings) {
    this.location = settings.bucketURL;
    this.chunkBytes = settings.partBytes;
    this.#client = new S3Client(settings);
  }

  put(request: BlobPut): Promise<BlobStat> {
    return changing(async () => {
      checkKeyBytes(request.key);
      return new ObjectUpload(this.#client, request, this.chunkBytes).run();
    });
  }

  get(key: string): Promise<StoredBlob | null> {
    return reading(async () => {
      checkKeyBytes(key);
      return getObject(this.#client, key);
    });
  }

  stat(key: string): Promise<BlobStat | null> {
    return reading(async () => {
      checkKeyBytes(key);
      return statObject(this.#client, key);
    });
  }

  delete(key: string): Promise<void> {
    return changing(async () => {
      checkKeyBytes(key);
      try {
        await this.#client.call({ method: "DELETE", key });
      } catch (error) {
        if (!(error instanceof S3Failure && error.code === "NoSuchKey")) throw error;
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedBlob, void> {
    let next: string | undefined;
    do {
      const page = await this.#page(prefix, next);
      yield* page.blobs;
      next = page.next;
    } while (next !== undefined);
  }

  #page(prefix: string, token: string | undefined) {
    const query = {
      "list-type": "2",
      "encoding-type": "url",
      "max-keys": String(LISTED_BLOBS),
      prefix,
      ...(token === undefined ? {} : { "continuation-token": token }),
    };
    return reading(async () => parseListing((await this.#client.call({ method: "GET", query })).text));
  }
}

async function reading<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw storageErrorOf(error, false);
  }
}

async function changing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw storageErrorOf(error, true);
  }
}

function checkKeyBytes(key: string): void {
  const length = Buffer.byteLength(key);
  if (length <= MAX_S3_KEY_BYTES) return;
  throw invalidArgument("key", `S3 takes ${MAX_S3_KEY_BYTES} bytes of UTF-8, and it has ${length}`);
}
