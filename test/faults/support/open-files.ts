import { existsSync, readdirSync, readlinkSync } from "node:fs";

const DESCRIPTORS = "/proc/self/fd";

/** Whether the system tells which files a process has open. */
export function canListOpenFiles(): boolean {
  return existsSync(DESCRIPTORS);
}

/** The files of a folder that this process has open. */
export function openFilesIn(folder: string): string[] {
  return readdirSync(DESCRIPTORS)
    .map(targetOf)
    .filter((target) => target.startsWith(folder));
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`);
  } catch {
    // The one that listed the folder is closed by now.
    return "";
  }
}
