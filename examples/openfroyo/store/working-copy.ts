import { randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HOST, isRunning } from "./running-process.js";

const ID_BYTES = 4;

/**
 * Does work that needs a database beside a file for a while, and removes it. What a process of this machine has left that was
 * killed is removed first; what may be of a process that works is not.
 */
export async function withWorkingCopy<T>(path: string, work: (copyPath: string) => Promise<T>): Promise<T> {
  const prefix = `${path}.events-${HOST}-`;
  await removeFiles(prefix, isLeft);
  const copyPath = `${prefix}${process.pid}-${randomBytes(ID_BYTES).toString("hex")}`;
  try {
    return await work(copyPath);
  } finally {
    await removeFiles(copyPath, async () => true);
  }
}

/** Removes the files whose paths begin with a text, where the rest of the path says so. */
async function removeFiles(prefix: string, isWanted: (rest: string, path: string) => Promise<boolean>): Promise<void> {
  const [folder, start] = [dirname(prefix), basename(prefix)];
  // Without the folder there is nothing to remove, and the work says what is wrong.
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (name.startsWith(start) && (await isWanted(name.slice(start.length), path))) await rm(path, { force: true });
  }
}

/** Whether the process that has begun a file is gone. */
async function isLeft(rest: string, path: string): Promise<boolean> {
  const pid = Number.parseInt(rest, 10);
  if (!(pid > 0)) return false;
  if (pid !== process.pid) return !isRunning(pid);
  // A container gives the same ids again.
  const startedAtMs = Date.now() - process.uptime() * 1_000;
  const found = await stat(path).catch(() => null);
  return found !== null && found.mtimeMs < startedAtMs;
}
