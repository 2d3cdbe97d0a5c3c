import { access, copyFile, open, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { sqliteStreamFactory } from "async-streams";

/** Files beside a database that belong to it alone, and must not be applied to another. */
const BESIDE = ["-wal", "-journal", "-head"];

export interface RestoreArgs {
  /** The database, which nobody may have open. */
  readonly path: string;
  /** What `streams.backup` made. It stays as it is, so it is not what a restore moves: `path` and `<path>.former`. */
  readonly backupPath: string;
}

/**
 * Puts a backup in the place of a database. What was there is then the database `<path>.former`.
 *
 * Until `<path>.restored` is there, a crash leaves the database as it was. From then on the restore is decided:
 * `assertNoRestore` refuses the database until a second call has finished it.
 */
export async function restoreBackup({ path, backupPath }: RestoreArgs): Promise<void> {
  const [restored, former] = [restoredPath(path), `${path}.former`];
  for (const moved of [path, former]) assertOther(backupPath, moved);
  await assertClosed(backupPath);
  const copy = `${path}.restoring`;
  await copyFile(backupPath, copy);
  await assertStore(copy, backupPath);
  await sync(copy, "r+");
  // If a restore was interrupted, what was there may be under this name already.
  if (!(await exists(restored))) await removeDatabase(former);
  await rename(copy, restored);
  await syncFolder(path);

  // The database first: the library does not open a log without it.
  for (const ending of ["", ...BESIDE]) await moveIfThere(`${path}${ending}`, `${former}${ending}`);
  await rm(`${path}-shm`, { force: true });
  // Before the copy gets its name: with the old log beside it, SQLite would apply that to it.
  await syncFolder(path);
  await rename(restored, path);
  await syncFolder(path);
}

/** To be called before a database is opened. */
export async function assertNoRestore(path: string): Promise<void> {
  if (!(await exists(restoredPath(path)))) return;
  throw new Error(`a restore of ${path} was interrupted; restore the backup again, or ${restoredPath(path)}`);
}

/** The copy of a backup, once it is complete. */
function restoredPath(path: string): string {
  return `${path}.restored`;
}

/** A second call after a crash would find another database under its name, and lose this one. */
function assertOther(backupPath: string, moved: string): void {
  if (resolve(backupPath) !== resolve(moved)) return;
  throw new Error(`a restore moves ${moved}; give the backup another name, with all that begins with its name`);
}

/** The newest commits of a database that is open are in its log. */
async function assertClosed(backupPath: string): Promise<void> {
  const log = await stat(`${backupPath}-wal`).catch(ignoreMissing);
  if (log !== undefined && log.size > 0) {
    throw new Error(`the backup ${backupPath} has a log; open it and close it first`);
  }
}

/** What is no store must not take the place of one. The copy is opened, since a backup may be where nothing can be written. */
async function assertStore(copy: string, backupPath: string): Promise<void> {
  try {
    const streams = await sqliteStreamFactory(copy, { mode: "readonly" });
    await streams[Symbol.asyncDispose]();
    // Who only reads a backup that was opened before leaves a log, which is empty.
    for (const ending of ["-wal", "-shm"]) await rm(`${copy}${ending}`, { force: true });
  } catch (cause) {
    await rm(copy, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${backupPath} is no backup of a store: ${reason}`, { cause });
  }
}

async function removeDatabase(path: string): Promise<void> {
  for (const ending of ["", ...BESIDE, "-shm"]) await rm(`${path}${ending}`, { force: true });
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch(ignoreMissing);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder, and does not need it.
  if (process.platform !== "win32") await sync(dirname(path), "r");
}

async function sync(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
