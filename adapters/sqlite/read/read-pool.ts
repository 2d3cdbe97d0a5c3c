import PQueue from "p-queue";
import type { SQLiteConnection } from "../drivers/driver.js";
import { HEAD_OF_STREAM } from "./read-page.js";

/** Where reads get their connections from. */
export interface ReadConnections {
  /**
   * Takes in a connection ahead of the first read, and prepares what opening a stream asks: opening a store may take a
   * moment, and the first call on it should not.
   */
  prepare(open: () => Promise<SQLiteConnection>): Promise<void>;
  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A bounded number of connections, each lent to one task at a time. Beyond the first they are opened when needed. */
export class ReadPool implements ReadConnections {
  readonly #open: () => Promise<SQLiteConnection>;
  readonly #queue: PQueue;
  readonly #idle: SQLiteConnection[] = [];

  constructor(size: number, open: () => Promise<SQLiteConnection>) {
    this.#open = open;
    this.#queue = new PQueue({ concurrency: size });
  }

  prepare(open: () => Promise<SQLiteConnection>): Promise<void> {
    return this.#queue.add(async () => {
      const connection = await open();
      this.#idle.push(connection);
      await connection.prepare(HEAD_OF_STREAM);
    });
  }

  use<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#queue.add(async () => {
      const connection = this.#idle.pop() ?? (await this.#open());
      try {
        return await task(connection);
      } finally {
        this.#idle.push(connection);
      }
    });
  }

  async close(): Promise<void> {
    await this.#queue.onIdle();
    for (const connection of this.#idle.splice(0)) await connection.close();
  }
}
