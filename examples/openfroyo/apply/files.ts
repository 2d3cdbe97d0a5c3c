import { createHash } from "node:crypto";
import { lstat, mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

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

/** Writes a file in one step: a reader, and a process that goes on after a kill, finds all of it or what was there before. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found?.isDirectory()) throw new Error(`${path} is a folder; remove it, and apply the plan again`);
  await mkdir(dirname(path), { recursive: true });
  // Always the same: the draft of a killed process is replaced. A link in its place would lead to another file. A plan has other
  // files, so the name says whose it is.
  const draft = `${path}.openfroyo.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, bytes, { flag: "wx" });
  await rename(draft, path);
}

/** Removes a file that may be there. A folder in its place was made by others. */
export async function removeFile(path: string): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found !== null && !found.isDirectory()) await rm(path, { force: true });
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
