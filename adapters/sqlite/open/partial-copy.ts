import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, realpathSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findLog } from "./inspect-file.js";

const ID_BYTES = 4;
const ENDING = new RegExp(`^\\.partial-[0-9a-f]{${2 * ID_BYTES}}$`);

/** How many characters the name of a copy is longer while it is made. */
export const PARTIAL_ENDING_LENGTH = `.partial-${"0".repeat(2 * ID_BYTES)}`.length;

/** The name that a copy has while it is made. */
export function partialPath(path: string): string {
  return `${path}.partial-${randomBytes(ID_BYTES).toString("hex")}`;
}

/**
 * Removes the name that a complete copy had while it was made. A backup that is killed between its last two steps, or whose
 * last step a power cut undoes, leaves the file with both names.
 *
 * A name with a log stays: somebody has opened the file by it.
 */
export function removePartialName(path: string, { dev, ino }: { readonly dev: bigint; readonly ino: bigint }): void {
  const file = realpathSync(path);
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(basename(file)) || !ENDING.test(name.slice(basename(file).length))) continue;
    const partial = join(dirname(file), name);
    const found = lstatSync(partial, { bigint: true, throwIfNoEntry: false });
    if (found?.dev !== dev || found.ino !== ino || findLog(partial) !== null) continue;
    try {
      unlinkSync(partial);
    } catch {
      // Whoever counts the names finds it again.
    }
  }
}
