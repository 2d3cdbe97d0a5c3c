import { randomUUID } from "node:crypto";
import { FlowForgeError } from "../flowforge-error.js";
import { Turns } from "../turns.js";

/** A transaction of the application. */
export class DuckDBTransaction {
  /** The same for all events that it stores. */
  readonly id: string = randomUUID();
  readonly #tasks = new Turns();
  readonly #statements = new Turns();
  readonly #failures: unknown[] = [];
  #hasEnded = false;

  /** Runs tasks of several statements one after the other, where the application began them at once. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    return this.#tasks.take(task);
  }

  /** Runs a statement after those before it. After the end it would be in no transaction, and is refused. */
  async statement<T>(run: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) throw new FlowForgeError("QUERY_FAILED", "The transaction has ended.");
    return this.#statements.take(async () => {
      try {
        return await run();
      } catch (error) {
        this.#failures.push(error);
        throw error;
      }
    });
  }

  /** Refuses what comes from now on, and resolves when the last statement has run. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#statements.settled();
  }

  /**
   * After a failure DuckDB may refuse all that follows, and then its COMMIT rolls back and says nothing.
   *
   * @throws what the first statement threw that failed, also where the application has caught it
   */
  checkStatements(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
