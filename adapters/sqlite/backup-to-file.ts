import { rm } from "node:fs/promises";
import { type BackupOptions, type BackupReport, StorageError, type StreamFactory } from "../../protocols/index.js";
import { copyStore } from "../../src/copy/copy-store.js";
import { inAttempt } from "../../src/validate/in-call.js";
import { chooseDriver } from "./drivers/choose-driver.js";
import { checkTarget, giveName, removeDatabase } from "./maintenance/backup/backup-file.js";
import { rewriteCopy } from "./maintenance/backup/rewrite-copy.js";
import { backupTo, checkBackupOptions, parseTarget } from "./maintenance/maintenance.js";
import { partialPath } from "./open/partial-copy.js";
import { storageError } from "./sqlite-errors.js";
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
  inAttempt(backupTo(path), undefined, () => checkBackupOptions(options));
  const { tables, onProgress, signal } = options;
  signal?.throwIfAborted();
  const target = inAttempt(backupTo(path), undefined, () => parseTarget(path));
  await checkTarget(target);
  const partial = partialPath(target);
  const clean = partialPath(target);
  try {
    const { events, position, copiedEvents } = await copyInto(streams, partial, {
      tables: tables === "none" ? "none" : undefined,
      onProgress: onProgress && (({ copiedEvents, totalEvents }) => onProgress({ copiedEvents, totalEvents })),
      signal,
    });
    const hasRemovals = copiedEvents > events;
    if (hasRemovals) await rewrite(partial, clean, target);
    signal?.throwIfAborted();
    await giveName(hasRemovals ? clean : partial, target);
    return { path: target, events, position, tables: [] };
  } catch (error) {
    throw ofTarget(error, partial, target);
  } finally {
    await removeDatabase(partial);
    await removeDatabase(clean);
    await rm(`${partial}-head`, { force: true });
  }
}

async function copyInto(streams: StreamFactory, path: string, options: Parameters<typeof copyStore>[2]) {
  // What happens to a file that is thrown away when anything fails needs no syncs before it gets its name.
  await using copy = await sqliteStreamFactory(path, { durability: "normal" });
  return await copyStore(streams, copy, options);
}

/** Says of the file that a copy is made in what is true of the one that was asked for. */
function ofTarget(error: unknown, partial: string, target: string): unknown {
  if (!(error instanceof StorageError)) return error;
  const { code, message, cause } = error;
  const [, ...reason] = message.split(`${partial}: `);
  if (reason.length === 0) return error;
  const text = reason.join(`${partial}: `).replaceAll(partial, target);
  return new StorageError(code, `Cannot back up to ${target}: ${text}`, { cause });
}

/** Events that were copied and then removed are still in the file in parts. */
async function rewrite(partial: string, clean: string, target: string): Promise<void> {
  try {
    await rewriteCopy(await chooseDriver(undefined), partial, clean);
  } catch (error) {
    throw storageError(error, "back the store up", target);
  }
}
