import type { BlobStat, BlobStore, ListedBlob, StoredBlob } from "../../../protocols/index.js";
import { BLOB_CHUNK_BYTES, LISTED_BLOBS } from "../../limits.js";
import { blobReplaced, damagedBlob } from "../blob-errors.js";
import { checkedBytes, sha256 } from "../checked-bytes.js";
import { type BlobBackend, type BlobPut, createBlobStore } from "../create-blob-store.js";
import {
  type BlobRow,
  type BlobRowWithBytes,
  selectBlob,
  selectChunk,
  selectIsLive,
  selectKeysAfter,
  selectKeysFrom,
  selectStat,
  takeAway,
} from "./blob-rows.js";
import { type BlobTables, type BlobTablesOwner, blobTablesOf } from "./blob-tables.js";
import { RemovedBlobs } from "./removed-blobs.js";
import { StagedPut } from "./staged-put.js";

/**
 * Keeps blobs in tables beside the events: in SQLite, or in PostgreSQL. `backup()` copies them with the store. The tables,
 * `async_streams_blobs` and `async_streams_blob_chunks`, are made when they are first needed.
 *
 * Given a store, a blob is stored chunk by chunk in short transactions, and another one puts it under its key: other writers
 * do not wait for its bytes. A reader of a blob that is replaced or deleted meanwhile gets a `BlobReplacedError`, unless the
 * blob is a single chunk (`BLOB_CHUNK_BYTES`). What a killed process has left is removed an hour later, by the next put.
 *
 * Given a `tx`, all of it happens in that transaction: the blob is there if the events are. Every writer of the store waits
 * for the transaction, so keep such blobs small. The store is of no use once the transaction has ended.
 *
 * @param streams - a store over SQLite or PostgreSQL, or a transaction of it
 * @throws InvalidArgumentError when it is neither
 * @throws StorageError `STORAGE_UNSUPPORTED` when the store has no transactions
 *
 * @example
 * ```ts
 * const blobs = sqliteBlobs(streams);
 * await blobs.put("scans/1.png", createReadStream("1.png"), { contentType: "image/png" });
 *
 * await streams.transaction(async (tx) => {
 *   const { etag } = await sqliteBlobs(tx).put("signatures/1.png", png, { contentType: "image/png" });
 *   await tx.write("contract-1", { type: "Signed", data: { signature: "signatures/1.png", etag } });
 * });
 * ```
 */
export function sqliteBlobs(streams: BlobTablesOwner): BlobStore {
  return createBlobStore(new SQLBlobs(blobTablesOf(streams)));
}

class SQLBlobs implements BlobBackend {
  readonly location: string | undefined;
  readonly chunkBytes = BLOB_CHUNK_BYTES;
  readonly #tables: BlobTables;
  readonly #removed: RemovedBlobs;

  constructor(tables: BlobTables) {
    this.location = tables.location;
    this.#tables = tables;
    this.#removed = new RemovedBlobs(tables);
  }

  async put(request: BlobPut): Promise<BlobStat> {
    const stat = await new StagedPut(this.#tables, this.#removed, request).run();
    await this.#removed.sweep();
    return stat;
  }

  async get(key: string): Promise<StoredBlob | null> {
    const [row] = await this.#tables.read<BlobRowWithBytes>(selectBlob(key));
    if (row === undefined) return null;
    const { size, contentType, etag } = row;
    const checksum = { expected: etag, start: sha256 };
    return { size, contentType, etag, data: checkedBytes(() => this.#chunks(key, row), { size, checksum }) };
  }

  async stat(key: string): Promise<BlobStat | null> {
    const [row] = await this.#tables.read<BlobRow>(selectStat(key));
    return row === undefined ? null : { size: row.size, contentType: row.contentType, etag: row.etag };
  }

  async delete(key: string): Promise<void> {
    // Where there is nothing, no transaction is needed, and no table.
    if ((await this.stat(key)) === null) return;
    const id = await this.#tables.write((tables) => takeAway(tables, key));
    if (id !== undefined) await this.#removed.remove(id);
  }

  async *list(prefix: string): AsyncGenerator<ListedBlob, void> {
    let next = selectKeysFrom(prefix, LISTED_BLOBS);
    while (true) {
      const page = await this.#tables.read<ListedBlob>(next);
      for (const blob of page) {
        if (!blob.key.startsWith(prefix)) return;
        yield blob;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < LISTED_BLOBS) return;
      next = selectKeysAfter(last.key, LISTED_BLOBS);
    }
  }

  async *#chunks(key: string, { id, chunks, bytes: first }: BlobRowWithBytes): AsyncGenerator<Uint8Array, void> {
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      // Whoever gets the first may change it, and it is read again.
      const bytes = chunk === 0 ? first && new Uint8Array(first) : await this.#chunk(id, chunk);
      if (bytes !== null) yield bytes;
      else if (await this.#isLive(id)) throw damagedBlob(`chunk ${chunk} of ${chunks} is missing`);
      else throw blobReplaced(key, this.location);
    }
  }

  async #chunk(id: string, chunk: number): Promise<Uint8Array | null> {
    const [row] = await this.#tables.read<{ bytes: Uint8Array }>(selectChunk(id, chunk));
    return row?.bytes ?? null;
  }

  async #isLive(id: string): Promise<boolean> {
    return (await this.#tables.read(selectIsLive(id))).length > 0;
  }
}
