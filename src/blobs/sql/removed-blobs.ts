import { BLOB_CHUNK_BYTES, REMOVAL_TRANSACTION_BYTES, STALE_PUT_MS } from "../../limits.js";
import { sql } from "../../transaction/sql-statement.js";
import type { BlobTables } from "./blob-tables.js";

/** How many chunks one transaction removes. Writers wait for it. */
const REMOVED_CHUNKS = REMOVAL_TRANSACTION_BYTES / BLOB_CHUNK_BYTES;

/** How many blobs one sweep removes. */
const MAX_SWEPT_BLOBS = 1_000;

/** Removes blobs that are under no key, in short transactions. */
export class RemovedBlobs {
  readonly #tables: BlobTables;
  #nextSweepMs = 0;

  constructor(tables: BlobTables) {
    this.#tables = tables;
  }

  /** Removes one. What cannot be removed now is removed by a later sweep. */
  async remove(id: string): Promise<void> {
    await this.#removeAll(id).catch(() => undefined);
  }

  /** Removes what puts of killed processes and failed removals have left. It looks for it once in a while. */
  async sweep(): Promise<void> {
    const nowMs = Date.now();
    if (!this.#tables.hasOwnTransactions || nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + STALE_PUT_MS;
    try {
      const expired = await this.#tables.read<{ id: string }>(sql`
        SELECT id AS "id" FROM async_streams_blobs WHERE expires_at_ms <= ${nowMs} LIMIT ${MAX_SWEPT_BLOBS} + 0`);
      for (const { id } of expired) await this.#removeAll(id);
    } catch {
      // The put that looked for it has succeeded all the same, and a later one looks again.
    }
  }

  async #removeAll(id: string): Promise<void> {
    while (await this.#removeSome(id));
  }

  /** @returns whether there may be more */
  #removeSome(id: string): Promise<boolean> {
    return this.#tables.write(async (tables) => {
      // From here on a put that is still under way fails.
      const { changes: isUnused } = await tables.run(sql`
        UPDATE async_streams_blobs SET expires_at_ms = 0 WHERE id = ${id} AND blob_key IS NULL`);
      if (isUnused === 0) return false;
      const { changes: removed } = await tables.run(sql`
        DELETE FROM async_streams_blob_chunks WHERE blob_id = ${id} AND chunk IN (
          SELECT chunk FROM async_streams_blob_chunks WHERE blob_id = ${id} ORDER BY chunk LIMIT ${REMOVED_CHUNKS} + 0)`);
      if (removed === REMOVED_CHUNKS) return true;
      await tables.run(sql`DELETE FROM async_streams_blobs WHERE id = ${id}`);
      return false;
    });
  }
}
