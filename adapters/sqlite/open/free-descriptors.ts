import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/** As many as SQLite needs at once to open a database: for the file, its log, the index of the log, and their folder. */
const NEEDED_DESCRIPTORS = 4;

/** Whether this process can open files. SQLite does not say why it could not. */
export function hasFreeDescriptors(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < NEEDED_DESCRIPTORS) opened.push(openSync(devNull, "r"));
    return true;
  } catch (error) {
    return !isOutOfDescriptors(error);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Why a call fails then, and what to do, as the end of a sentence. */
export const NO_DESCRIPTOR_LEFT =
  "no file descriptor is left; close files, or raise the limit of this process (ulimit -n) or of the system, and try again";

/** Whether an error of the file system means that the process, or the system, has no descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EMFILE" || code === "ENFILE";
}
