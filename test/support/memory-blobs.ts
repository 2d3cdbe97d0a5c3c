import { createHash } from "node:crypto";
import type { BlobStat, BlobStore } from "../../protocols/index.js";
import { compareCodePoints } from "../../src/adapter-kit/code-point-order.js";
import { checkedBytes } from "../../src/blobs/checked-bytes.js";
import { type BlobBackend, type BlobPut, createBlobStore } from "../../src/blobs/create-blob-store.js";

interface MemoryBlob extends BlobStat {
  readonly bytes: Uint8Array;
}

const CHUNK_BYTES = 256 * 1024;

/** The smallest store of blobs that does what it has to, for tests that break it. */
export class MemoryBlobs implements BlobBackend {
  readonly location = "memory";
  readonly chunkBytes = CHUNK_BYTES;
  protected readonly blobs = new Map<string, MemoryBlob>();

  async put({ key, chunks, contentType, signal }: BlobPut): Promise<BlobStat> {
    const pieces: Uint8Array[] = [];
    for await (const bytes of chunks) pieces.push(bytes);
    signal?.throwIfAborted();
    return this.store(key, new Uint8Array(Buffer.concat(pieces)), contentType);
  }

  async get(key: string) {
    const found = this.blobs.get(key);
    if (found === undefined) return null;
    const { bytes, ...stat } = found;
    return { ...stat, data: checkedBytes(() => this.read(key, bytes), { size: stat.size }) };
  }

  async stat(key: string): Promise<BlobStat | null> {
    const found = this.blobs.get(key);
    if (found === undefined) return null;
    const { bytes: _bytes, ...stat } = found;
    return stat;
  }

  async delete(key: string): Promise<void> {
    this.blobs.delete(key);
  }

  async *list(prefix: string) {
    const keys = [...this.blobs.keys()].filter((key) => key.startsWith(prefix)).sort(compareCodePoints);
    for (const key of keys) {
      const found = this.blobs.get(key);
      if (found !== undefined) yield { key, size: found.size, etag: found.etag };
    }
  }

  protected store(key: string, bytes: Uint8Array, contentType: string): BlobStat {
    const stat = { size: bytes.length, contentType, etag: createHash("sha256").update(bytes).digest("hex") };
    this.blobs.set(key, { ...stat, bytes });
    return stat;
  }

  protected async *read(_key: string, bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield bytes.slice(start, start + CHUNK_BYTES);
  }
}

export function memoryBlobs(backend: BlobBackend = new MemoryBlobs()): BlobStore {
  return createBlobStore(backend);
}
