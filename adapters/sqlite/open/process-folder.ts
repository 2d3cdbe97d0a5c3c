import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The folder in which the threads of this process note which databases they use. Threads share no JavaScript state, and
 * a thread whose event loop is blocked answers no message, but all of them see one file system.
 *
 * The notes of all processes of one user are in one folder, which belongs to that user alone.
 *
 * @throws an error of the file system
 */
export function processFolder(): string {
  const userFolder = join(tmpdir(), `async-streams-uid-${process.geteuid?.()}`);
  mkdirSync(userFolder, { recursive: true, mode: 0o700 });
  assertOwn(userFolder);
  if (!hasCleanedUp) removeFoldersOfDeadProcesses(userFolder);
  hasCleanedUp = true;
  return join(userFolder, `${PID_NAMESPACE}-${process.pid}`);
}

let hasCleanedUp = false;

/** Containers may share a temporary folder and yet number their processes each from 1. */
const PID_NAMESPACE = pidNamespace();

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

function removeFoldersOfDeadProcesses(userFolder: string): void {
  for (const name of readdirSync(userFolder)) {
    const [namespace, pid] = name.split("-");
    if (namespace === PID_NAMESPACE && !isRunning(Number(pid))) {
      rmSync(join(userFolder, name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
