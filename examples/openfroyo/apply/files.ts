import { createHash } from "node:crypto";
import { lstat, mkdir, open, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** The modes of new files, of which the umask of the process takes away. */
export const FILE_MODE = 0o666;
export const EXECUTABLE_MODE = 0o777;

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** SHA-256 of a file's content, in hex; null if there is no file, or a folder in its place. */
export async function hashOfFile(path: string): Promise<string | null> {
  const bytes = await unlessMissing(readFile(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EISDIR") return null;
    throw error;
  });
  return bytes === null ? null : sha256(bytes);
}

/** Whether its owner may run a file. On Windows nothing says so. */
export async function isExecutable(path: string): Promise<boolean> {
  const found = await unlessMissing(stat(path));
  return found !== null && (found.mode & 0o100) !== 0;
}

/**
 * Writes a file in one step: a reader, and a process that goes on after a kill or a power cut, finds all of it or what was there
 * before. When the promise resolves, it is durable.
 */
export async function writeWhole(path: string, bytes: Uint8Array | string, mode = FILE_MODE): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found?.isDirectory()) throw new Error(`${path} is a folder; remove it, and apply the plan again`);
  await makeFolder(dirname(path));
  // Always the same: the draft of a killed process is replaced. A link in its place would lead to another file. A plan has other
  // files, so the name says whose it is.
  const draft = `${path}.openfroyo.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, bytes, { flag: "wx", mode, flush: true });
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Makes a folder, and those that it is in. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes durable which files a folder has, and its mode: but for one that this process may change and not read. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder.
  if (process.platform === "win32") return;
  await using folder = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES") return null;
    throw error;
  });
  await folder?.sync();
}

/** Removes a file that may be there. A folder in its place was made by others. */
export async function removeFile(path: string): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found === null || found.isDirectory()) return;
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Removes a folder in which nothing is. */
export async function removeEmptyFolder(path: string): Promise<void> {
  await unlessMissing(rmdir(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** Null instead of an error where a file or folder is not there. A file may be in the place of its folder. */
export async function unlessMissing<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}
