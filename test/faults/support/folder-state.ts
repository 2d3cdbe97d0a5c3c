import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Each file below a folder with its mode and a hash of its content: two states are equal when nothing was touched. Of
 * what may not be read, it has that.
 */
export function folderState(folder: string): Record<string, string> {
  const state: Record<string, string> = {};
  for (const name of readNames(folder)) {
    const found = lstatSync(join(folder, name));
    state[name] = `${found.mode.toString(8)} ${found.size} ${found.isFile() ? hashOf(join(folder, name)) : "no file"}`;
  }
  return state;
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function hashOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch {
    return "closed";
  }
}
