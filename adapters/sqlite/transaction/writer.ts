import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isDiskFailure } from "../sqlite-errors.js";

/** The connection that writes, and the order in which tasks have it to themselves. */
export class Writer {
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #foreignTriggers: readonly string[];
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  #diskFailure: unknown;

  /** @param foreignTriggers - triggers on the library's tables that are not the library's; where there are any, nothing is written */
  constructor(connection: SQLiteConnection, location: string, foreignTriggers: readonly string[]) {
    this.#connection = connection;
    this.#location = location;
    this.#foreignTriggers = foreignTriggers;
  }

  /**
   * Runs the task once those before it have settled. A transaction is one task.
   *
   * After one has failed on the disk no further one is begun. When a sync fails, the system drops what it could not
   * write and tells nobody a second time: a later sync would succeed, and acknowledge what is not there.
   *
   * @throws StorageError `STORAGE_MUST_REOPEN`; `STORAGE_CORRUPT` when a trigger would run that is not the library's
   */
  async use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    await this.#takeTurn();
    try {
      if (this.#diskFailure !== undefined) throw this.#mustReopen();
      if (this.#foreignTriggers.length > 0) throw this.#wouldTrigger();
      return await task(this.#connection);
    } catch (error) {
      if (isDiskFailure(error)) this.failed(error);
      throw error;
    } finally {
      this.#handOn();
    }
  }

  /** Lets no further task begin. */
  failed(diskFailure: unknown): void {
    this.#diskFailure ??= diskFailure;
  }

  /** Waits for the tasks that were accepted, and closes the connection. */
  async close(): Promise<void> {
    await this.#takeTurn();
    try {
      await this.#connection.close();
    } finally {
      this.#handOn();
    }
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

  #mustReopen(): StorageError {
    const message =
      `Cannot write to ${this.#location}: the disk failed during an earlier write, and what it kept is not known. ` +
      "Nothing was written. Dispose of the factory and open the store again.";
    return new StorageError("STORAGE_MUST_REOPEN", message, { cause: this.#diskFailure });
  }
}
