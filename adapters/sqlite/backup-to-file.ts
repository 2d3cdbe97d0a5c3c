import { rm } from "node:fs/promises";
import type { BackupOptions, BackupReport, StreamFactory } from "../../protocols/index.js";
import { copyStore } from "../../src/copy/copy-store.js";
import { checkTarget, giveName, removeDatabase } from "./maintenance/backup/backup-file.js";
import { checkBackupOptions, parseTarget } from "./maintenance/maintenance.js";
import { partialPath } from "./open/partial-copy.js";
import { sqliteStreamFactory } from "./sqlite-stream-factory.js";

/**
 * Copies a store of any adapter into a new SQLite file, which gets its name when it is complete.
 *
 * @throws InvalidArgumentError when the path or an option is invalid
 * @throws StorageError `STORAGE_UNSUPPORTED` when the application has tables, unless `tables` is `"none"`
 */
export async function backupToFile(
  streams: StreamFactory,
  path: string | URL,
  options: BackupOptions = {},
): Promise<BackupReport> {
  checkBackupOptions(options);
  const { tables, onProgress, signal } = options;
  signal?.throwIfAborted();
  const target = parseTarget(path);
  await checkTarget(target);
  const partial = partialPath(target);
  try {
    const { events, position } = await copyInto(streams, partial, {
      tables: tables === "none" ? "none" : undefined,
      onProgress: onProgress && (({ copiedEvents, totalEvents }) => onProgress({ copiedEvents, totalEvents })),
      signal,
    });
    signal?.throwIfAborted();
    await giveName(partial, target);
    return { path: target, events, position, tables: [] };
  } finally {
    await removeDatabase(partial);
    await rm(`${partial}-head`, { force: true });
  }
}

async function copyInto(streams: StreamFactory, path: string, options: Parameters<typeof copyStore>[2]) {
  // What happens to a file that is thrown away when anything fails needs no syncs before it gets its name.
  await using copy = await sqliteStreamFactory(path, { durability: "normal" });
  return await copyStore(streams, copy, options);
}
