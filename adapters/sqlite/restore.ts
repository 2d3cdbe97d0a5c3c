import { isStreamError, StorageError, type StreamFactory } from "../../protocols/index.js";
import { type CopyOptions, type CopyReport, copyStore } from "../../src/copy/copy-store.js";
import { parseStorePath } from "./open/store-path.js";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "./sqlite-stream-factory.js";

/**
 * Copies a backup, or any other SQLite store, into an empty store of any adapter: `copyStore` from a file that is only read. To
 * restore a SQLite store, it is enough to put a backup in its place.
 *
 * @param path - the file
 * @param to - an empty store, or one that the same backup was begun to be restored into
 * @throws StorageError when the file cannot be opened, and as `copyStore`.
 *
 * @example
 * ```ts
 * await using streams = await postgresStreamFactory("postgresql://bank@localhost/bank");
 * await restore("backups/bank-2026-11-28.db", streams);
 * ```
 */
export async function restore(path: string | URL, to: StreamFactory, options?: CopyOptions): Promise<CopyReport> {
  await using from = await openBackup(path);
  return await copyStore(from, to, options);
}

async function openBackup(path: string | URL): Promise<SQLiteStreamFactory> {
  try {
    return await sqliteStreamFactory(path, { mode: "readonly" });
  } catch (error) {
    if (!isStreamError(error, "STORAGE_NOT_FOUND")) throw error;
    const file = parseStorePath(path);
    const message = `Cannot restore ${file}: there is no store in that file; check the path. Nothing was copied.`;
    throw new StorageError("STORAGE_NOT_FOUND", message, { cause: error });
  }
}
