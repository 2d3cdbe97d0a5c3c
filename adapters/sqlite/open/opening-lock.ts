import { readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PROCESS_PREFIX } from "./claim-folder.js";
import { isOpenInThisProcess } from "./open-descriptor.js";

/** The work under the lock is a few synchronous calls of the file system, so that only a stuck disk makes others wait. */
const LOCK_TIMEOUT_MS = 5_000;
const RETRY_INTERVAL_MS = 1;

/** How many threads may have been terminated in the middle of the work before the lock is given up. */
const MAX_ABANDONED_LOCKS = 100;

/**
 * Does some work while no other thread of this process does the same.
 *
 * The lock is a symbolic link, since a link is made in one step together with its text, which names its holder. The
 * lock of a thread that was terminated stays as it is, and the next number is taken: removing it could remove the lock
 * of somebody who did the same a moment before.
 *
 * @param holder - a file that this thread keeps open, as {@link describeDescriptor} names it
 * @param work - synchronous, so that the lock is never held while other code runs
 * @throws an error with the code `EBUSY` when other threads held the lock for too long
 */
export async function withOpeningLock<T>(folder: string, holder: string, work: () => T): Promise<T> {
  const deadlineMs = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const number = takeLock(folder, holder);
    if (number !== undefined) {
      try {
        return work();
      } finally {
        unlinkSync(lockPath(folder, number));
      }
    }
    if (performance.now() > deadlineMs)
      throw Object.assign(new Error("another thread is opening a store"), { code: "EBUSY" });
    await delay(RETRY_INTERVAL_MS);
  }
}

function takeLock(folder: string, holder: string): number | undefined {
  for (let number = 0; number <= MAX_ABANDONED_LOCKS; number += 1) {
    try {
      symlinkSync(holder, lockPath(folder, number));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (!isAbandoned(lockPath(folder, number))) return undefined;
  }
  return undefined;
}

function isAbandoned(lock: string): boolean {
  try {
    return !isOpenInThisProcess(readlinkSync(lock));
  } catch {
    // Released a moment ago.
    return false;
  }
}

function lockPath(folder: string, number: number): string {
  return join(folder, `${PROCESS_PREFIX}lock-${number}`);
}
