import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { QueryArgs, QueryLimits, Row, WindowQueryPort } from "../ports.js";
import { checkResult, queryFailed, timedOut } from "../query-result.js";
import { checkReadOnlySql } from "../read-only-sql.js";
import { Turns } from "../turns.js";
import type { DuckDBApi, DuckDBConnection } from "./duckdb-api.js";
import { rowOf } from "./duckdb-values.js";

/**
 * Runs the statements of windows one after the other, in transactions that only read. DuckDB lets no other process open the
 * file, but it computes off the main thread, can be interrupted, and has a limit of memory.
 */
export class DuckDBWindowQueries implements WindowQueryPort {
  readonly #api: DuckDBApi;
  readonly #connection: DuckDBConnection;
  readonly #limits: QueryLimits;
  readonly #turns = new Turns();
  #isClosed = false;

  constructor(api: DuckDBApi, connection: DuckDBConnection, limits: QueryLimits) {
    this.#api = api;
    this.#connection = connection;
    this.#limits = limits;
  }

  async query(args: QueryArgs): Promise<Row[]> {
    checkReadOnlySql(args.sql);
    if (this.#isClosed) throw databaseClosed();
    return this.#turns.take(() => this.#run(args));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns.settled();
    this.#connection.closeSync();
  }

  async #run({ sql, params = [] }: QueryArgs): Promise<Row[]> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#connection.interrupt();
    }, this.#limits.timeMs);
    try {
      await this.#connection.run("BEGIN TRANSACTION READ ONLY");
      const rows = await this.#read(sql, params);
      // What is interrupted while its rows are fetched ends early, without an error.
      if (isLate) throw timedOut(this.#limits);
      checkResult(rows, this.#limits);
      return rows;
    } catch (error) {
      if (error instanceof FlowForgeError) throw error;
      throw isLate ? timedOut(this.#limits) : queryFailed(error);
    } finally {
      clearTimeout(timer);
      await this.#connection.run("ROLLBACK").catch(() => undefined);
    }
  }

  async #read(sql: string, params: readonly unknown[]): Promise<Row[]> {
    const statements = await this.#connection.extractStatements(sql);
    if (statements.count !== 1) throw new FlowForgeError("SQL_NOT_ALLOWED", "Only one statement is allowed.");
    const statement = await statements.prepare(0);
    try {
      if (statement.statementType !== this.#api.StatementType.SELECT) {
        throw new FlowForgeError("SQL_NOT_ALLOWED", "Only SELECT statements are allowed.");
      }
      statement.bind(params);
      const reader = await statement.streamAndReadUntil(this.#limits.rows + 1);
      return reader.getRowObjectsJS().map(rowOf);
    } finally {
      statement.destroySync();
    }
  }
}
