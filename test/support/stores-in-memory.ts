import { chmodSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Files here are kept in memory, and syncing one costs nothing. Linux has it. */
const MEMORY = "/dev/shm";

/** What the largest stores of all tests that run at a time stay well below. Containers often have 64 MiB. */
const MIN_FREE_BYTES = 2 * 1024 ** 3;

let folder: string | undefined;

/**
 * Puts the temporary files of a run into memory where there is room for them. Most of the time of the tests of stores
 * would go into syncing files. A soak run keeps to the disk.
 */
export function setup(): void {
  if (process.env.FAULT_SIZE === "soak" || !hasRoom()) return;
  folder = mkdtempSync(join(MEMORY, "async-streams-tests-"));
  // The server of PostgreSQL runs as another user.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
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
