import { mkdtempSync, rmSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY_FILE_SYSTEMS: Readonly<Record<number, string>> = { 16914836: "tmpfs", 2240043254: "ramfs" };
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  ...IN_MEMORY_FILE_SYSTEMS,
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  2035054128: "overlayfs",
  801189825: "zfs",
  26: "apfs",
};

/** A folder for the databases of a run. It is removed when the process ends. */
export async function makeTempFolder(parent: string | undefined): Promise<string> {
  const folder = mkdtempSync(join(parent ?? (await findDisk()), "async-streams-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The kind of file system that a folder is on. */
export async function fileSystemOf(folder: string): Promise<string> {
  const { type } = await statfs(folder);
  return FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`;
}

/** The system's temporary folder, unless it is kept in memory: a commit costs nothing there. */
async function findDisk(): Promise<string> {
  for (const folder of [tmpdir(), "/var/tmp", process.cwd()]) {
    const { type } = await statfs(folder).catch(() => ({ type: 0 }));
    if (type !== 0 && !(type in IN_MEMORY_FILE_SYSTEMS)) return folder;
  }
  throw new Error("every temporary folder is kept in memory; name one on a disk with --temp");
}
