import { link, lstat, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { StorageError, type StorageErrorCode } from "../../../../protocols/index.js";
import { fileErrorCode } from "../../../../src/adapter-kit/file-error-code.js";
import { invalidArgument } from "../../../../src/validate/check-arguments.js";
import { inCall } from "../../../../src/validate/in-call.js";
import { PARTIAL_ENDING_LENGTH } from "../../open/partial-copy.js";

/** The files that SQLite and this library keep beside a database, by the suffix of their name. */
const COMPANION_ENDINGS = ["-journal", "-wal", "-shm", "-head"];

const LONGEST_ENDING_BYTES = PARTIAL_ENDING_LENGTH + "-journal".length;

/** The longest name that file systems accept, and the longest path that SQLite accepts. */
const MAX_NAME_BYTES = 255 - LONGEST_ENDING_BYTES;
const MAX_PATH_BYTES = 512 - LONGEST_ENDING_BYTES;

/**
 * Checks that a copy can get a name.
 *
 * @throws InvalidArgumentError when the name is too long, or would be taken for a part of another database.
 * @throws StorageError when there is a file already, or no folder for it.
 */
export async function checkTarget(path: string): Promise<void> {
  try {
    await checkPlace(path);
  } catch (error) {
    throw inCall(error, `back up to ${path}`, undefined);
  }
}

async function checkPlace(path: string): Promise<void> {
  checkLength(path, "name", Buffer.byteLength(basename(path)), MAX_NAME_BYTES);
  checkLength(path, "path", Buffer.byteLength(path), MAX_PATH_BYTES);
  await checkFolder(path);
  // These names beside a database belong to it, whatever name or link leads to it.
  for (const ending of COMPANION_ENDINGS) {
    if (!path.endsWith(ending) || !(await exists(path.slice(0, -ending.length)))) continue;
    const database = path.slice(0, -ending.length);
    throw invalidArgument("path", `${path} is the name of a file that belongs to ${database}; choose another path`);
  }
  if (await exists(path)) throw targetExists(path);
  for (const ending of COMPANION_ENDINGS) {
    if (!(await exists(`${path}${ending}`))) continue;
    const reason = `there is ${path}${ending}, which would be taken for a part of the copy; choose another path`;
    throw refusal("STORAGE_TARGET_EXISTS", path, reason);
  }
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) return;
  const reason = found === null ? `the folder ${folder} does not exist; create it first` : `${folder} is not a folder`;
  throw refusal("STORAGE_FOLDER_MISSING", path, reason);
}

function checkLength(path: string, what: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  const reason = `the ${what} of ${path} has ${bytes} bytes, and a copy and the files beside it take ${maxBytes} at most`;
  throw invalidArgument("path", reason);
}

/**
 * Gives a complete file its name once its content is on the disk. After a crash, the name has the whole file or none. A
 * file that was created there meanwhile is not replaced.
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
    // Unlike a rename, it replaces nothing. A crash before the next step leaves both names, and the first opening removes one.
    await link(partial, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" || (await exists(path))) throw targetExists(path);
    // Some file systems have no links.
    await rename(partial, path);
    return;
  }
  // An opening may have removed it.
  await rm(partial, { force: true });
}

/** Removes what is left of a database that is not wanted. */
export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
}

async function exists(path: string): Promise<boolean> {
  // A link that leads nowhere is there too.
  return lstat(path).then(
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
