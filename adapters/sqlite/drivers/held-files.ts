import { realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { invalidArgument } from "../../../src/validate/check-arguments.js";

/** The files that this process has open, and through which driver. */
const heldFiles = new Map<string, { readonly driver: string; connections: number }>();

/**
 * Keeps a file to one driver for as long as this process has it open. Each driver brings its own copy of SQLite, and
 * the locks of one process do not hold against itself: through two copies, two connections write at the same time, and
 * the one loses what the other was told is stored.
 *
 * @returns what lets the file go again
 * @throws InvalidArgumentError when another driver has the file open
 */
export async function holdFile(path: string, driver: string): Promise<() => void> {
  if (path === ":memory:") return () => undefined;
  const file = await realFile(path);
  const held = heldFiles.get(file) ?? { driver, connections: 0 };
  if (held.driver !== driver) {
    const reason = `this process has ${path} open with "${held.driver}", whose locks "${driver}" does not see`;
    throw invalidArgument("driver", `${reason}; use one driver for a file`);
  }
  held.connections += 1;
  heldFiles.set(file, held);
  return () => {
    held.connections -= 1;
    if (held.connections === 0) heldFiles.delete(file);
  };
}

/** Whether this process has the file open, or is about to open it, through a driver. */
export function isHeld(path: string): boolean {
  return heldFiles.has(realpathSync(path));
}

/** One name for a file that has many, also before it is there. */
async function realFile(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return join(folder, basename(path));
  }
}
