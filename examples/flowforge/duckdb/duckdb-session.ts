import { AsyncLocalStorage } from "node:async_hooks";
import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { Row } from "../ports.js";
import { queryFailed } from "../query-result.js";
import { Turns } from "../turns.js";
import type { DuckDBApi, DuckDBConnection, DuckDBReader } from "./duckdb-api.js";
import { DuckDBTransaction } from "./duckdb-transaction.js";
import { boundValue, rowOf } from "./duckdb-values.js";

/** The connection that writes, for one call or transaction after the other. */
export class DuckDBSession {
  readonly #api: DuckDBApi;
  readonly #connection: DuckDBConnection;
  readonly #current = new AsyncLocalStorage<DuckDBTransaction>();
  readonly #turns = new Turns();
  #isClosed = false;

  constructor(api: DuckDBApi, connection: DuckDBConnection) {
    this.#api = api;
    this.#connection = connection;
  }

  /**
   * Runs a statement, in the transaction that the caller is in or in one of its own.
   *
   * @throws FlowForgeError `QUERY_FAILED`
   */
  async all<R = Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    return rowsOf<R>(await this.#inTurn(() => this.#read(sql, params)));
  }

  /**
   * The same for a statement of the application. Transactions and the file are this adapter's.
   *
   * @throws FlowForgeError `SQL_NOT_ALLOWED` or `QUERY_FAILED`
   */
  async query(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    const reader = await this.#inTurn(async () => {
      await this.#check(sql);
      return this.#read(sql, params);
    });
    return rowsOf(reader);
  }

  async #read(sql: string, params: readonly unknown[] = []): Promise<DuckDBReader> {
    const values = params.map((value) => boundValue(this.#api, value));
    return this.#connection.runAndReadAll(sql, values).catch((error) => {
      throw queryFailed(error);
    });
  }

  async #check(sql: string): Promise<void> {
    const { TRANSACTION, PRAGMA, ATTACH, DETACH, VACUUM } = this.#api.StatementType;
    const refused = [TRANSACTION, PRAGMA, ATTACH, DETACH, VACUUM];
    const statements = await this.#connection.extractStatements(sql).catch((error) => {
      throw queryFailed(error);
    });
    if (statements.count !== 1) throw new FlowForgeError("SQL_NOT_ALLOWED", "Give one statement in each call.");
    const statement = await statements.prepare(0).catch((error) => {
      throw queryFailed(error);
    });
    const isRefused = refused.includes(statement.statementType);
    statement.destroySync();
    if (isRefused) {
      throw new FlowForgeError("SQL_NOT_ALLOWED", "Transactions and the file are the adapter's: use runInTransaction.");
    }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    return this.#current.getStore()?.statement(run) ?? this.#take(run);
  }

  /** Runs `work` in the transaction that the caller is in, or in one of its own. */
  transaction<T>(work: (tx: DuckDBTransaction) => Promise<T>): Promise<T> {
    const current = this.#current.getStore();
    if (current !== undefined) return work(current);
    const tx = new DuckDBTransaction();
    return this.#take(async () => {
      await this.#connection.run("BEGIN TRANSACTION");
      try {
        const result = await this.#current.run(tx, () => work(tx));
        await tx.end();
        tx.checkStatements();
        await this.#connection.run("COMMIT");
        return result;
      } catch (error) {
        await tx.end();
        // Already rolled back where COMMIT failed.
        await this.#connection.run("ROLLBACK").catch(() => undefined);
        throw error;
      }
    });
  }

  /** Refuses what comes from now on, and closes the connection when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns.settled();
    this.#connection.closeSync();
  }

  async #take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw databaseClosed();
    return this.#turns.take(task);
  }
}

/** Not a part of the statement: a number that cannot be given back fails no transaction. */
function rowsOf<R = Row>(reader: DuckDBReader): R[] {
  return reader.getRowObjectsJS().map(rowOf) as R[];
}
