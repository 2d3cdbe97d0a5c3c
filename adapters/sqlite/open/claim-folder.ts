import { lstatSync, mkdirSync, readdirSync, readlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The folder in which the threads of a process note which databases they use. Threads share no JavaScript state, and a
 * thread whose event loop is blocked answers no message, but all of them see one file system.
 *
 * It has the notes of all processes of one user, and belongs to that user alone.
 *
 * @throws an error of the file system
 */
export function claimFolder(): string {
  const folder = join(tmpdir(), `async-streams-uid-${process.geteuid?.()}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  assertOwn(folder);
  if (!hasCleanedUp) removeFilesOfDeadProcesses(folder);
  hasCleanedUp = true;
  return folder;
}

let hasCleanedUp = false;

/** The beginning of the names of this process's files. Containers may share a folder, and number their processes from 1. */
export const PROCESS_PREFIX = `${pidNamespace()}-${process.pid}.`;

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  } catch {
    return "0";
  }
}

/** Somebody else's folder could hide the notes, or be a link to files that must not be touched. */
function assertOwn(folder: string): void {
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0) return;
  throw Object.assign(new Error(`${folder} is not a folder of this user alone`), { code: "EPERM" });
}

function removeFilesOfDeadProcesses(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [namespace, pid] = name.split(/[-.]/, 2);
    if (PROCESS_PREFIX.startsWith(`${namespace}-`) && !isRunning(Number(pid))) removeIfThere(join(folder, name));
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Removes a file, unless another thread, or a program that cleans up, was first. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // A note that stays is void once its descriptor is closed.
  }
}
