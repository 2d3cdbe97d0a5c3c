import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { Row } from "../ports.js";
import type { DuckDBApi, DuckDBConnection } from "./duckdb-api.js";
import { boundValue, rowOf } from "./duckdb-values.js";

/** A transaction of the application. */
export interface DuckDBTransaction {
  /** The same for all events that it stores. */
  readonly id: string;
}

/** The connection that writes, for one call or transaction after the other. */
export class DuckDBSession {
  readonly #api: DuckDBApi;
  readonly #connection: DuckDBConnection;
  readonly #current = new AsyncLocalStorage<DuckDBTransaction>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: DuckDBApi, connection: DuckDBConnection) {
    this.#api = api;
    this.#connection = connection;
  }

  /** Runs a statement, in the transaction that the caller is in or in one of its own. */
  async all<R = Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    const run = async () => {
      const reader = await this.#connection.runAndReadAll(
        sql,
        params.map((value) => boundValue(this.#api, value)),
      );
      return reader.getRowObjectsJS().map(rowOf) as R[];
    };
    return this.#current.getStore() === undefined ? this.#inTurn(run) : run();
  }

  /** Runs `work` in the transaction that the caller is in, or in one of its own. */
  transaction<T>(work: (tx: DuckDBTransaction) => Promise<T>): Promise<T> {
    const current = this.#current.getStore();
    if (current !== undefined) return work(current);
    const tx = { id: randomUUID() };
    return this.#inTurn(async () => {
      await this.#connection.run("BEGIN TRANSACTION");
      try {
        const result = await this.#current.run(tx, () => work(tx));
        await this.#connection.run("COMMIT");
        return result;
      } catch (error) {
        // A failed commit has ended it already.
        await this.#connection.run("ROLLBACK").catch(() => undefined);
        throw error;
      }
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
