import { randomUUID } from "node:crypto";
import { FlowForgeError } from "../flowforge-error.js";
import { Turns } from "../turns.js";

/** A transaction of the application. */
export class DuckDBTransaction {
  /** The same for all events that it stores. */
  readonly id: string = randomUUID();
  readonly #tasks = new Turns();
  readonly #statements = new Turns();
  #hasEnded = false;

  /** Runs tasks of several statements one after the other, where the application began them at once. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    return this.#tasks.take(task);
  }

  /** Runs a statement after those before it. After the end it would be in no transaction, and is refused. */
  async statement<T>(run: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) throw new FlowForgeError("QUERY_FAILED", "The transaction has ended.");
    return this.#statements.take(run);
  }

  /** Refuses what comes from now on, and resolves when the last statement has run. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#statements.settled();
  }
}
