import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The files of a folder, and of the folders in it, that have some bytes, or one of several. */
export function filesWith(folder: string, ...contents: readonly (Uint8Array | string)[]): string[] {
  const searched = contents.map((content) => Buffer.from(content as Uint8Array));
  const found: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = readFileSync(join(entry.parentPath, entry.name));
    if (searched.some((bytes) => file.includes(bytes))) found.push(entry.name);
  }
  return found;
}

/** The parts of a value that are long enough to be no coincidence. */
export function partsOf(bytes: Uint8Array, length = 8): Uint8Array[] {
  const count = Math.floor(bytes.byteLength / length);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
}
