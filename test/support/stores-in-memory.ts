import { chmodSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Files here are kept in memory, and syncing one costs nothing. Linux has it. */
const MEMORY = "/dev/shm";

/** What the largest stores of all tests that run at a time stay well below. Containers often have 64 MiB. */
const MIN_FREE_BYTES = 2 * 1024 ** 3;

let folder: string | undefined;

/**
 * Makes a folder in memory where there is room for it. Most of the time of the tests of stores would go into syncing
 * files. `temp-files.ts` says which tests use it.
 */
export function setup(): void {
  if (!hasRoom()) return;
  folder = mkdtempSync(join(MEMORY, "async-streams-tests-"));
  // As the system's own folder is: some programs that the tests start run as other users, and make files of their own.
  chmodSync(folder, 0o1777);
  process.env.TEST_MEMORY_FOLDER = folder;
}

/** Removes what a run has left there. */
export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MIN_FREE_BYTES;
  } catch {
    return false;
  }
}
