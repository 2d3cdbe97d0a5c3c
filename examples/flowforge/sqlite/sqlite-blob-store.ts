import { type BlobStore, sqliteBlobs } from "async-streams/blobs";
import type { BlobStorePort } from "../ports.js";
import type { SQLiteSession } from "./sqlite-session.js";

/** Blobs beside the events: in a transaction they are there if its events are. */
export class SQLiteBlobStore implements BlobStorePort {
  readonly #session: SQLiteSession;

  constructor(session: SQLiteSession) {
    this.#session = session;
  }

  async put({ key, data, contentType }: Parameters<BlobStorePort["put"]>[0]): Promise<void> {
    await this.#blobs.put(key, data, contentType === undefined ? {} : { contentType });
  }

  async get({ key }: { readonly key: string }): ReturnType<BlobStorePort["get"]> {
    const blob = await this.#blobs.get(key);
    if (blob === null) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob.data) chunks.push(chunk);
    return { data: Buffer.concat(chunks), contentType: blob.contentType };
  }

  async stat({ key }: { readonly key: string }): ReturnType<BlobStorePort["stat"]> {
    const stat = await this.#blobs.stat(key);
    return stat === null ? null : { size: stat.size, contentType: stat.contentType };
  }

  get #blobs(): BlobStore {
    return sqliteBlobs(this.#session.current ?? this.#session.streams);
  }
}
