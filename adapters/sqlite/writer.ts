import PQueue from "p-queue";
import type { SQLiteConnection } from "./driver.js";

/** The connection that writes, and the order in which tasks have it to themselves. */
export class Writer {
  readonly #connection: SQLiteConnection;
  readonly #queue = new PQueue({ concurrency: 1 });

  constructor(connection: SQLiteConnection) {
    this.#connection = connection;
  }

  /** Runs the task once those before it have settled. A transaction is one task. */
  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#queue.add(() => task(this.#connection));
  }

  /** Waits for the tasks that were accepted, and closes the connection. */
  async close(): Promise<void> {
    await this.#queue.onIdle();
    await this.#connection.close();
  }
}
