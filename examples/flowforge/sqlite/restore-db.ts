import { copyFile, rename, rm } from "node:fs/promises";

/** Files beside a database that belong to it alone, and must not be applied to another. */
const BESIDE = ["-wal", "-shm", "-head"];

export interface RestoreArgs {
  /** The database, which nobody may have open. */
  readonly path: string;
  /** What `streams.backup` made. It stays as it is. */
  readonly backupPath: string;
}

/** Puts a backup in the place of a database. What the database had is lost: keep a copy of it until the backup is verified. */
export async function restoreDb({ path, backupPath }: RestoreArgs): Promise<void> {
  const copy = `${path}.restored`;
  await copyFile(backupPath, copy);
  for (const ending of BESIDE) await rm(`${path}${ending}`, { force: true });
  await rename(copy, path);
}
