/** The bytes of a blob, to be stored. They must not change until `put` has resolved. */
export type BlobData = Uint8Array | AsyncIterable<Uint8Array>;

/** What a store knows of a blob besides its bytes. */
export interface BlobStat {
  /** How many bytes it has. */
  readonly size: number;
  /** What its bytes are, as `put` was told. */
  readonly contentType: string;
  /** Identifies the content: it changes when other bytes are stored under the key. Its form is the store's own. */
  readonly etag: string;
}

/** A blob that was found. */
export interface StoredBlob extends BlobStat {
  /**
   * Its bytes, in chunks. Each iteration reads them anew. The last chunk comes only after all bytes were checked, so that nobody
   * takes a truncated blob for a whole one.
   *
   * The iteration throws `BlobReplacedError` when the blob was replaced or deleted and its bytes are gone, and `StorageError`
   * `STORAGE_CORRUPT` when the bytes are not those that were stored.
   */
  readonly data: AsyncIterable<Uint8Array>;
}

/** A blob in a listing. */
export interface ListedBlob {
  /** As `put` was given it. */
  readonly key: string;
  /** How many bytes it has. */
  readonly size: number;
  /** As in {@link BlobStat}. */
  readonly etag: string;
}

/** The options of {@link BlobStore.put}. */
export interface PutBlobOptions {
  /** A media type of printable ASCII, at most 256 characters. Default `"application/octet-stream"`. */
  readonly contentType?: string | undefined;
  /** Ends the put, unless its last step has begun: it rejects with the signal's reason, and nothing is stored. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of {@link BlobStore.list}. */
export interface ListBlobsOptions {
  /** Only keys that begin with it. Default: all. */
  readonly prefix?: string | undefined;
}

/**
 * Stores large bytes under keys. Memory does not grow with a blob: it goes in and out in chunks.
 *
 * A key has 1 to 1,024 UTF-16 units and no NUL and no lone surrogate. It does not begin with `/`, and no part of it between
 * slashes is `.` or `..`. Upper and lower case differ, in every store.
 *
 * @example
 * ```ts
 * await blobs.put("invoices/2026/17.pdf", createReadStream("17.pdf"), { contentType: "application/pdf" });
 * const invoice = await blobs.get("invoices/2026/17.pdf");
 * if (invoice !== null) await pipeline(invoice.data, createWriteStream("copy.pdf"));
 * ```
 */
export interface BlobStore {
  /**
   * Stores bytes under a key, in place of those that were there. It is one atomic step: until it is done, readers get the
   * former blob, and whatever interrupts it leaves that blob as it was. When it resolves, the blob is durable.
   *
   * @returns what is stored
   * @throws InvalidArgumentError when the key, the data or an option is invalid.
   * @throws StorageError when it fails; otherwise whatever iterating the data throws, or the signal's reason. Nothing new is
   * under the key, except with `STORAGE_IO` and `STORAGE_OUTCOME_UNKNOWN`: then the whole blob may be.
   */
  put(key: string, data: BlobData, options?: PutBlobOptions): Promise<BlobStat>;
  /**
   * Finds a blob. Its bytes are read while they are iterated.
   *
   * @returns null when there is none
   * @throws InvalidArgumentError when the key is invalid.
   * @throws StorageError when it fails; `STORAGE_CORRUPT` when the blob is damaged.
   */
  get(key: string): Promise<StoredBlob | null>;
  /**
   * Finds a blob, without its bytes.
   *
   * @returns null when there is none
   * @throws as `get`
   */
  stat(key: string): Promise<BlobStat | null>;
  /**
   * Deletes a blob. It is harmless where there is none.
   *
   * @throws InvalidArgumentError when the key is invalid.
   * @throws StorageError when it fails. The blob is there as before, except with `STORAGE_IO` and `STORAGE_OUTCOME_UNKNOWN`:
   * then it may be gone.
   */
  delete(key: string): Promise<void>;
  /**
   * Lists blobs in the order of their keys, by code point. It reads page by page: a blob that is stored or deleted meanwhile
   * may be listed or not.
   *
   * @throws InvalidArgumentError when an option is invalid.
   * @throws StorageError when it fails.
   */
  list(options?: ListBlobsOptions): AsyncIterable<ListedBlob>;
}
