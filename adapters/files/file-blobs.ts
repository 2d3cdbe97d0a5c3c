import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BlobStat, BlobStore, ListedBlob, StoredBlob } from "../../protocols/index.js";
import { blobReplaced, putTookTooLong } from "../../src/blobs/blob-errors.js";
import { checkedBytes, sha256 } from "../../src/blobs/checked-bytes.js";
import { type BlobBackend, type BlobPut, createBlobStore } from "../../src/blobs/create-blob-store.js";
import { BLOB_CHUNK_BYTES, STALE_PUT_MS } from "../../src/limits.js";
import { folderPath } from "../../src/validate/folder-path.js";
import { type BlobFile, lookAtFile, readFileBytes } from "./blob-file.js";
import { BlobFolder } from "./blob-folder.js";
import { blobName, temporaryName } from "./blob-names.js";
import { damagedFile, encodeTrailer } from "./blob-trailer.js";
import { ifThere, isMissing, onDisk } from "./file-errors.js";

/**
 * Keeps each blob in a file of a folder, which is made at the first put. Several processes may use the folder.
 *
 * A put writes a file of its own, flushes it, renames it, and flushes the folder: it is durable when it resolves, and
 * replaces the former blob in one step. A reader that is in the middle of the former blob gets all of it (on Windows, the put
 * fails with `STORAGE_PERMISSION_DENIED` while somebody reads). What a killed process has left is removed an hour later, by
 * the next put.
 *
 * A file has the bytes of the blob, followed by its key, type, size and SHA-256. Let nothing else write into the folder.
 *
 * @param folder - its path or its `file:` URL
 * @throws InvalidArgumentError when it is neither
 *
 * @example
 * ```ts
 * const blobs = fileBlobs("/var/lib/app/blobs");
 * await blobs.put("scans/1.png", createReadStream("1.png"), { contentType: "image/png" });
 * ```
 */
export function fileBlobs(folder: string | URL): BlobStore {
  return createBlobStore(new FileBlobs(resolve(folderPath(folder))));
}

class FileBlobs implements BlobBackend {
  readonly location: string;
  readonly chunkBytes = BLOB_CHUNK_BYTES;
  readonly #folder: BlobFolder;

  constructor(path: string) {
    this.location = path;
    this.#folder = new BlobFolder(path);
  }

  async put({ key, chunks, contentType, signal }: BlobPut): Promise<BlobStat> {
    await this.#folder.make();
    const temporary = join(this.location, temporaryName(randomUUID()));
    try {
      const written = await writeFile(temporary, key, chunks, contentType);
      await this.#folder.change(() => {
        signal?.throwIfAborted();
        return renameTo(temporary, this.#pathOf(key));
      });
      await this.#folder.sweep();
      return written;
    } catch (error) {
      // Where it was renamed already, it is not there.
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  async get(key: string): Promise<StoredBlob | null> {
    const file = await this.#lookFor(key);
    if (file === null) return null;
    const { bytes } = file;
    const { size, contentType, etag } = file.trailer;
    const read = bytes === undefined ? () => this.#read(key, etag) : () => inOneChunk(bytes);
    return { size, contentType, etag, data: checkedBytes(read, { size, checksum: { expected: etag, start: sha256 } }) };
  }

  async stat(key: string): Promise<BlobStat | null> {
    const file = await this.#lookFor(key);
    if (file === null) return null;
    const { size, contentType, etag } = file.trailer;
    return { size, contentType, etag };
  }

  async delete(key: string): Promise<void> {
    const path = this.#pathOf(key);
    // Where there is no blob, there may be no folder.
    if ((await ifThere(path, () => stat(path))) === null) return;
    await this.#folder.change(async () => {
      await ifThere(path, () => unlink(path));
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedBlob, void> {
    let after: string | undefined;
    while (true) {
      const { keys, isLast } = await this.#folder.keysAfter(after, prefix);
      for (const key of keys) {
        const found = await this.stat(key);
        if (found !== null) yield { key, size: found.size, etag: found.etag };
      }
      if (isLast) return;
      after = keys.at(-1);
    }
  }

  #pathOf(key: string): string {
    return join(this.location, blobName(key));
  }

  async #lookFor(key: string): Promise<BlobFile | null> {
    const path = this.#pathOf(key);
    const file = await lookAtFile(path);
    if (file !== null && file.trailer.key !== key) throw damagedFile(path, `there is blob "${file.trailer.key}"`);
    return file;
  }

  #read(key: string, etag: string): AsyncIterable<Uint8Array> {
    return readFileBytes(this.#pathOf(key), etag, () => blobReplaced(key, this.location));
  }
}

async function* inOneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  // Whoever gets them may change them, and others may read them again. The slice of a Buffer is no copy.
  if (bytes.length > 0) yield new Uint8Array(bytes);
}

/** Writes a whole file, and flushes it. */
async function writeFile(
  path: string,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  contentType: string,
): Promise<BlobStat> {
  const handle = await onDisk(path, () => open(path, "wx"));
  try {
    const digest = sha256();
    let size = 0;
    for await (const bytes of chunks) {
      digest.update(bytes);
      size += bytes.length;
      await onDisk(path, () => writeAll(handle, bytes));
    }
    const written = { size, contentType, etag: digest.digest() };
    await onDisk(path, async () => {
      await writeAll(handle, encodeTrailer({ key, ...written }));
      await handle.sync();
    });
    return written;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}

/** @throws StorageError when the file is not there any more: somebody has taken it for the remains of a killed process */
async function renameTo(temporary: string, path: string): Promise<void> {
  await onDisk(path, async () => {
    try {
      await rename(temporary, path);
    } catch (error) {
      throw isMissing(error) ? putTookTooLong(STALE_PUT_MS) : error;
    }
  });
}
