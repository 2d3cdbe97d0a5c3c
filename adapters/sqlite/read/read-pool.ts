import PQueue from "p-queue";
import type { SQLiteConnection } from "../drivers/driver.js";
import { HEAD_OF_STREAM } from "./stream-figures.js";

/** Where reads get their connections from. */
export interface ReadConnections {
  /**
   * Takes in a connection ahead of the first read, and prepares what opening a stream asks: opening a store may take a
   * moment, and the first call on it should not.
   */
  prepare(open: () => Promise<SQLiteConnection>): Promise<void>;
  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T>;
  /** As `use`, for statements that are not the library's: SQLite itself keeps them from writing. */
  useForQuery<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * A bounded number of connections, each lent to one task at a time. Beyond the first they are opened when needed.
 *
 * While one is idle a task has it at once; a queue is there for the tasks that find none.
 */
export class ReadPool implements ReadConnections {
  readonly #open: () => Promise<SQLiteConnection>;
  readonly #size: number;
  readonly #idle: SQLiteConnection[] = [];
  /** Whose turn it is to get a connection: one task at a time. */
  readonly #turns = new PQueue({ concurrency: 1 });
  /** Takes the next connection that is given back. */
  #onReturned: ((connection: SQLiteConnection) => void) | undefined;
  #connections = 0;

  constructor(size: number, open: () => Promise<SQLiteConnection>) {
    this.#open = open;
    this.#size = size;
  }

  async prepare(open: () => Promise<SQLiteConnection>): Promise<void> {
    const connection = await this.#turns.add(() => this.#openAnother(open));
    await this.#lend(connection, () => connection.prepare(HEAD_OF_STREAM));
  }

  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop();
    return connection === undefined ? this.#useNext(task) : this.#lend(connection, task);
  }

  // Its connections are read-only.
  useForQuery<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.use(task);
  }

  async #useNext<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    const connection = await this.#turns.add(() => this.#nextConnection());
    return this.#lend(connection, task);
  }

  async #lend<T>(connection: SQLiteConnection, task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    try {
      return await task(connection);
    } finally {
      this.#giveBack(connection);
    }
  }

  #giveBack(connection: SQLiteConnection): void {
    const onReturned = this.#onReturned;
    this.#onReturned = undefined;
    if (onReturned === undefined) this.#idle.push(connection);
    else onReturned(connection);
  }

  async #nextConnection(): Promise<SQLiteConnection> {
    const isOpened = this.#idle.length > 0 || this.#connections >= this.#size;
    return isOpened ? this.#idleConnection() : this.#openAnother(this.#open);
  }

  #idleConnection(): SQLiteConnection | Promise<SQLiteConnection> {
    const connection = this.#idle.pop();
    if (connection !== undefined) return connection;
    return new Promise((resolve) => {
      this.#onReturned = resolve;
    });
  }

  async #openAnother(open: () => Promise<SQLiteConnection>): Promise<SQLiteConnection> {
    const connection = await open();
    this.#connections += 1;
    return connection;
  }

  /** Waits for the tasks that were accepted, and closes their connections as they are given back. */
  async close(): Promise<void> {
    await this.#turns.onIdle();
    for (; this.#connections > 0; this.#connections -= 1) await (await this.#idleConnection()).close();
  }
}
