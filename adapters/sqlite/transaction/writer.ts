import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { OpenFiles } from "../open/open-files.js";
import { isCorruption, isDiskFailure } from "../sqlite-errors.js";

/** The connection that writes, and the order in which tasks have it to themselves. */
export class Writer {
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #foreignTriggers: readonly string[];
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  readonly #files: OpenFiles | undefined;
  #failure: unknown;

  /**
   * @param foreignTriggers - triggers on the library's tables that are not the library's; where there are any, nothing is written
   * @param files - absent for a database in memory
   */
  constructor(
    connection: SQLiteConnection,
    location: string,
    foreignTriggers: readonly string[],
    files: OpenFiles | undefined,
  ) {
    this.#connection = connection;
    this.#location = location;
    this.#foreignTriggers = foreignTriggers;
    this.#files = files;
  }

  /** Whether SQLite may copy the log into the database, and remove it, as this connection is closed. What was lent before ends first. */
  async mayCheckpoint(): Promise<boolean> {
    if (isCorruption(this.#failure)) return false;
    const files = this.#files;
    return files === undefined || this.lend((connection) => files.mayBeCheckpointed(connection));
  }

  /**
   * Runs the task once those before it have settled. A transaction is one task.
   *
   * After one has failed on the disk no further one is begun. When a sync fails, the system drops what it could not
   * write and tells nobody a second time: a later sync would succeed, and acknowledge what is not there. Nor is one
   * begun after the database was found damaged: what is stored on top of the damage may be lost with it.
   *
   * @throws StorageError `STORAGE_MUST_REOPEN`; `STORAGE_CORRUPT` also when a trigger would run that is not the library's
   * @throws OpenFileError when the files are no longer those that were opened
   */
  async use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    const turn = this.#takeTurn();
    if (turn !== undefined) await turn;
    try {
      this.#assertUsable();
      const checking = this.#files?.beforeWrite(this.#connection);
      if (checking !== undefined) await checking;
      return await task(this.#connection);
    } catch (error) {
      if (isDiskFailure(error) || isCorruption(error)) this.failed(error);
      throw error;
    } finally {
      this.#handOn();
    }
  }

  /**
   * Runs a task that writes nothing to the store, once those before it have settled. What it fails with says nothing of the
   * writes: it may be what a caller has thrown, or the failure of another file.
   */
  async lend<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    const turn = this.#takeTurn();
    if (turn !== undefined) await turn;
    try {
      return await task(this.#connection);
    } finally {
      this.#handOn();
    }
  }

  /** @throws Error when nothing more may be written, to the files beside the database neither */
  assertSound(): void {
    this.#assertUsable();
    this.#files?.check();
  }

  /** Lets no further task begin: the disk failed, or the database is damaged. */
  failed(error: unknown): void {
    this.#failure ??= error;
  }

  /** Waits for the tasks that were accepted, and closes the connection. */
  close(): Promise<void> {
    return this.lend((connection) => connection.close());
  }

  // Not a p-queue as for reading, which every append would pay for: docs/decisions/0017.
  #takeTurn(): Promise<void> | undefined {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return undefined;
  }

  /** The turn goes straight to the next in line, so that nobody comes in between. */
  #handOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }

  #wouldTrigger(): StorageError {
    const names = this.#foreignTriggers.map((name) => `"${name}"`).join(", ");
    const message =
      `Cannot write to ${this.#location}: another program has put triggers on the library's tables (${names}), which ` +
      "would run with each write. Nothing was written. Drop them, open the store again, and verify() it.";
    return new StorageError("STORAGE_CORRUPT", message);
  }

  /** @throws StorageError when the disk has failed before, or the database is damaged */
  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#refusal();
    if (this.#foreignTriggers.length > 0) throw this.#wouldTrigger();
  }

  #refusal(): StorageError {
    const cause = this.#failure;
    const [code, reason] = isCorruption(cause)
      ? (["STORAGE_CORRUPT", DAMAGED] as const)
      : (["STORAGE_MUST_REOPEN", DISK_FAILED] as const);
    return new StorageError(code, `Cannot write to ${this.#location}: ${reason}`, { cause });
  }
}

const DISK_FAILED =
  "the disk failed during an earlier write, and what it kept is not known. Nothing was written. Dispose of the factory " +
  "and open the store again.";

const DAMAGED =
  "an earlier call found the database damaged. Nothing was written. Keep the files as they are, dispose of the factory, " +
  "and restore a backup.";
