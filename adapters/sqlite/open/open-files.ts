import { type BigIntStats, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { SQLiteConnection } from "../drivers/driver.js";
import { FolderChanges } from "./folder-changes.js";
import type { LogEnd } from "./log-end.js";
import { LogLength } from "./log-length.js";
import { damaged, type OpenFileError, replaced } from "./open-file-error.js";
import type { FileIdentity } from "./store-file.js";

/** How long a look at the files is good for, as far as only they can tell: before a write, and that the database is not empty. */
const MAX_UNCHECKED_MS = 5;

/**
 * How long the time of change of the folder does for a look at each name, since some file systems keep it in whole seconds; and how
 * long a look does for reads.
 */
const MAX_UNSEEN_MS = 1_000;

// Numbers of files may have more digits than a plain number holds.
const LOOK = { throwIfNoEntry: false, bigint: true } as const;

/** Which file a name led to when the store was opened. */
interface OpenedFile extends FileIdentity {
  readonly name: string;
  readonly path: string;
}

/**
 * The database of an open store, its log, and the log's index in shared memory.
 *
 * SQLite goes on with the files that it has opened, wherever their names lead by then: it writes to a file that was
 * deleted, and a connection that is opened later makes new files or takes those of another store. So it is checked that
 * the names still lead to the files that were opened: before and after each later connection is opened, after each commit,
 * before it is acknowledged, and once a second before a read. Once they do not, every later check fails.
 */
export class OpenFiles {
  /** The database, as no symbolic link that is changed later can lead elsewhere. */
  readonly path: string;
  readonly #folder: FolderChanges;
  readonly #files: readonly OpenedFile[];
  readonly #log: LogLength | undefined;
  #checkedMs = 0;
  /** When all of the files were looked at. */
  #seenMs = 0;
  /** When the database was last written by a checkpoint of this store's. */
  #checkpointedNs = 0n;
  #failure: OpenFileError | undefined;

  /**
   * Comes after the first connection was opened: then all files are there, and SQLite removes none of them before the
   * last connection is closed.
   *
   * @param database - which file the database is
   * @param which - where the store is only read, its log is another's
   * @throws OpenFileError when it was replaced meanwhile
   */
  constructor(path: string, database: FileIdentity, which: "all" | "database only" = "all") {
    this.path = realpathSync(path);
    const { device, inode } = database;
    this.#files = [
      { name: "the database", path: this.path, device, inode },
      ...(which === "all" ? logOf(this.path) : []),
    ];
    this.#folder = new FolderChanges(dirname(this.path));
    try {
      this.check();
      this.#log = which === "all" ? new LogLength(`${this.path}-wal`) : undefined;
    } catch (error) {
      this.#folder.close();
      throw error;
    }
  }

  /** How long the log was when it was last seen. */
  get logBytes(): number {
    return this.#log?.bytes ?? 0;
  }

  /** What shows whether anybody has committed since; undefined where the log is another's. It is used until this is closed. */
  newLogEnd(): LogEnd | undefined {
    return this.#log?.newEnd();
  }

  /** Whether no check has failed, and each file was looked at within the last second. */
  get wereSeenLately(): boolean {
    return this.#failure === undefined && performance.now() - this.#seenMs < MAX_UNSEEN_MS;
  }

  /**
   * Looks at each file before a read, unless that was done within the last second: what only reads would go on with files that
   * nobody writes any more.
   *
   * @throws OpenFileError
   */
  beforeRead(): void {
    if (!this.wereSeenLately) this.check();
  }

  /**
   * Looks at each file.
   *
   * @throws OpenFileError
   */
  check(): void {
    this.#assertUnchanged();
    this.#checkFiles(this.#folder.changedMs());
  }

  /** Checks before a write, unless it was done just now. */
  beforeWrite(connection: SQLiteConnection): Promise<void> | undefined {
    this.#assertUnchanged();
    return this.#isCheckedJustNow() ? undefined : this.checkWithLog(connection);
  }

  /**
   * Checks, and that the log was not cut. Only where it looks cut is there something to wait for.
   *
   * While nothing was created, renamed or removed in the folder, its files have the names that they had, so that its time
   * of change does for a look at each. This comes after every commit, so it looks only at files that are open. The database
   * is looked at now and then: whether its folder still has the path that it had, and whether it was emptied.
   */
  checkWithLog(connection: SQLiteConnection): Promise<void> | undefined {
    this.#assertUnchanged();
    const changedMs = this.#folder.changedMs();
    if (!this.#folder.isSeen(changedMs)) this.#checkFiles(changedMs);
    else if (!this.#isCheckedJustNow()) this.#checkAgain(changedMs);
    return this.#log?.mayBeCut() ? this.#checkLog(connection) : undefined;
  }

  /**
   * Whether SQLite, as it closes the last connection, may copy the log into the database and remove it. It may also
   * where the log's name is gone: the log is still open, and nothing else holds the newest events. It may not once the
   * database was written later than this log, and not by this store's own checkpoint: others may have stored events with a log of
   * their own.
   */
  async mayBeCheckpointed(connection: SQLiteConnection): Promise<boolean> {
    try {
      if (await this.#log?.isCut(connection)) return false;
      this.check();
      return true;
    } catch {
      const [database, log] = this.#files as [OpenedFile, OpenedFile];
      const found = look(database.path);
      if (!found || !leadsTo(found, database)) return false;
      if ((look(log.path)?.size ?? 0n) > 0n) return false;
      return found.mtimeNs <= this.#checkpointedNs || this.#log?.wasWrittenSince(found.mtimeNs) === true;
    }
  }

  /** Comes after a checkpoint of this store's, before which the files were checked: it may have written to the database. */
  wereCheckpointed(): void {
    this.#checkpointedNs = look(this.path)?.mtimeNs ?? this.#checkpointedNs;
  }

  close(): void {
    this.#log?.close();
    this.#folder.close();
  }

  #assertUnchanged(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #isCheckedJustNow(): boolean {
    return performance.now() - this.#checkedMs < MAX_UNCHECKED_MS;
  }

  /** @param changedMs - when the folder was last changed, asked before the files are looked at */
  #checkFiles(changedMs: number | undefined): void {
    for (const file of this.#files) this.#checkFile(file);
    this.#folder.seen(changedMs);
    this.#checkedMs = performance.now();
    this.#seenMs = this.#checkedMs;
  }

  #checkAgain(changedMs: number | undefined): void {
    const nowMs = performance.now();
    if (nowMs - this.#seenMs >= MAX_UNSEEN_MS) this.#checkFiles(changedMs);
    else this.#checkFile(this.#files[0] as OpenedFile);
    this.#checkedMs = nowMs;
  }

  #checkFile(file: OpenedFile): void {
    const found = look(file.path);
    if (found === null) return;
    if (found === undefined) throw this.#fail(replaced(`${file.name} ${file.path} was deleted or moved away`));
    if (!leadsTo(found, file)) throw this.#fail(replaced(`${file.name} ${file.path} was replaced by another file`));
    if (file.path === this.path && found.size === 0n) throw damaged(`${file.name} ${file.path} was emptied`);
  }

  async #checkLog(connection: SQLiteConnection): Promise<void> {
    if (await this.#log?.isCut(connection)) throw damaged(`the log ${this.path}-wal was cut`);
  }

  #fail(failure: OpenFileError): OpenFileError {
    this.#failure = failure;
    return failure;
  }
}

function logOf(database: string): readonly OpenedFile[] {
  return [openedFile("the log", `${database}-wal`), openedFile("the index of the log", `${database}-shm`)];
}

function openedFile(name: string, path: string): OpenedFile {
  const found = look(path);
  if (!found) throw replaced(`${name} ${path} was deleted or moved away`);
  return { name, path, device: found.dev, inode: found.ino };
}

function leadsTo(found: BigIntStats | undefined | null, { device, inode }: FileIdentity): boolean {
  return found?.ino === inode && found.dev === device;
}

/** Undefined where there is none, null where that cannot be told: a folder may have been closed to this process. */
function look(path: string): BigIntStats | undefined | null {
  try {
    return statSync(path, LOOK);
  } catch {
    return null;
  }
}
