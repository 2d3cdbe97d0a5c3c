import { access, link, open, rename, rm, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { StorageError, type StorageErrorCode } from "../../../protocols/index.js";
import { fileErrorCode } from "../open/inspect-file.js";

/** @throws StorageError when there is a file already, or no folder for it. */
export async function assertFree(path: string): Promise<void> {
  if (!(await exists(dirname(path)))) {
    throw refusal("STORAGE_FOLDER_MISSING", path, `the folder ${dirname(path)} does not exist; create it first`);
  }
  if (await exists(path)) throw targetExists(path);
}

/**
 * Gives a complete file its name, once its content is on the disk: after a crash there is the whole file under the name
 * or none. A file that has come to be there meanwhile is not replaced.
 */
export async function giveName(partial: string, path: string): Promise<void> {
  try {
    await sync(partial);
    await linkOrRename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw refusal(fileErrorCode(error), path, String(error), error);
  }
}

async function linkOrRename(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
    // A store with two names is refused.
    await unlink(partial);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw targetExists(path);
    // Some file systems have no links.
    await rename(partial, path);
  }
}

/** Removes what is left of a database that is not wanted. */
export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows cannot open a folder, and does not need it.
  }
}

function targetExists(path: string): StorageError {
  return refusal("STORAGE_TARGET_EXISTS", path, "there is a file already; choose another path");
}

function refusal(code: StorageErrorCode, path: string, reason: string, cause?: unknown): StorageError {
  return new StorageError(code, `Cannot back up to ${path}: ${reason}. Nothing was written there.`, { cause });
}
