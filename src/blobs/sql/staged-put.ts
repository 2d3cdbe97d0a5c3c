import { randomUUID } from "node:crypto";
import type { BlobStat } from "../../../protocols/index.js";
import { STALE_PUT_MS } from "../../limits.js";
import { putTookTooLong } from "../blob-errors.js";
import { sha256 } from "../checked-bytes.js";
import type { BlobPut } from "../create-blob-store.js";
import { insertBlob, insertChunk, insertStaged, renewStaged, takeAway } from "./blob-rows.js";
import type { BlobTables } from "./blob-tables.js";
import type { RemovedBlobs } from "./removed-blobs.js";

/**
 * Stores a blob: all chunks but the last under an id of its own, each in a short transaction, and then the last one in the
 * transaction that puts the blob under its key. So no transaction waits for the bytes.
 */
export class StagedPut {
  readonly #tables: BlobTables;
  readonly #removed: RemovedBlobs;
  readonly #request: BlobPut;
  readonly #id = randomUUID();
  readonly #digest = sha256();
  #size = 0;
  #chunks = 0;
  #isStaged = false;

  constructor(tables: BlobTables, removed: RemovedBlobs, request: BlobPut) {
    this.#tables = tables;
    this.#removed = removed;
    this.#request = request;
  }

  async run(): Promise<BlobStat> {
    try {
      let last: Uint8Array | undefined;
      for await (const bytes of this.#request.chunks) {
        if (last !== undefined) await this.#stage(last);
        last = bytes;
      }
      return await this.#finish(last);
    } catch (error) {
      if (this.#isStaged) await this.#removed.remove(this.#id);
      throw error;
    }
  }

  #stage(bytes: Uint8Array): Promise<void> {
    const chunk = this.#add(bytes);
    this.#isStaged = true;
    return this.#tables.write(async (tables) => {
      const expiresAtMs = Date.now() + STALE_PUT_MS;
      if (chunk === 0) await insertStaged(tables, this.#id, expiresAtMs);
      else if (!(await renewStaged(tables, this.#id, expiresAtMs))) throw putTookTooLong(STALE_PUT_MS);
      await insertChunk(tables, this.#id, chunk, bytes);
    }, this.#request.signal);
  }

  /** Puts the blob under its key, and what was there away. */
  async #finish(last: Uint8Array | undefined): Promise<BlobStat> {
    const { key, contentType, signal } = this.#request;
    const chunk = last === undefined ? undefined : this.#add(last);
    const stat = { size: this.#size, contentType, etag: this.#digest.digest() };
    const former = await this.#tables.write(async (tables) => {
      if (this.#isStaged && !(await renewStaged(tables, this.#id, 0))) throw putTookTooLong(STALE_PUT_MS);
      const taken = await takeAway(tables, key);
      if (last !== undefined && chunk !== undefined) await insertChunk(tables, this.#id, chunk, last);
      await insertBlob(tables, key, { ...stat, id: this.#id, chunks: this.#chunks });
      return taken;
    }, signal);
    if (former !== undefined) await this.#removed.remove(former);
    return stat;
  }

  /** @returns the number of the chunk */
  #add(bytes: Uint8Array): number {
    this.#digest.update(bytes);
    this.#size += bytes.length;
    this.#chunks += 1;
    return this.#chunks - 1;
  }
}
