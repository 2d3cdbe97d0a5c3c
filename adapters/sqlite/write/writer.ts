import PQueue from "p-queue";
import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isDiskFailure } from "../sqlite-errors.js";

/** The connection that writes, and the order in which tasks have it to themselves. */
export class Writer {
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  #diskFailure: unknown;

  constructor(connection: SQLiteConnection, location: string) {
    this.#connection = connection;
    this.#location = location;
  }

  /**
   * Runs the task once those before it have settled. A transaction is one task.
   *
   * After one has failed on the disk no further one is begun. When a sync fails, the system drops what it could not
   * write and tells nobody a second time: a later sync would succeed, and acknowledge what is not there.
   *
   * @throws StorageError `STORAGE_MUST_REOPEN`
   */
  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#queue.add(async () => {
      if (this.#diskFailure !== undefined) throw this.#mustReopen();
      try {
        return await task(this.#connection);
      } catch (error) {
        if (isDiskFailure(error)) this.failed(error);
        throw error;
      }
    });
  }

  /** Lets no further task begin. */
  failed(diskFailure: unknown): void {
    this.#diskFailure ??= diskFailure;
  }

  /** Waits for the tasks that were accepted, and closes the connection. */
  async close(): Promise<void> {
    await this.#queue.onIdle();
    await this.#connection.close();
  }

  #mustReopen(): StorageError {
    const message =
      `Cannot write to ${this.#location}: the disk failed during an earlier write, and what it kept is not known. ` +
      "Nothing was written. Dispose of the factory and open the store again.";
    return new StorageError("STORAGE_MUST_REOPEN", message, { cause: this.#diskFailure });
  }
}
