import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { QueryArgs, QueryLimits, Row, WindowQueryPort } from "../ports.js";
import { checkResult, queryFailed, timedOut } from "../query-result.js";
import { checkReadOnlySql } from "../read-only-sql.js";
import { Turns } from "../turns.js";
import type { DuckDBApi, DuckDBConnection } from "./duckdb-api.js";
import { rowOf } from "./duckdb-values.js";

/** How long a statement may take to end once it is interrupted: while DuckDB plans a large one, it does not listen. */
const STUCK_AFTER_MS = 5_000;

/**
 * Runs the statements of windows one after the other, in transactions that only read. DuckDB lets no other process open the
 * file, but it computes off the main thread, can mostly be interrupted, and has a limit of memory. While a statement computes
 * that cannot be interrupted, such as one with a GLOB of a thousand stars, others are refused.
 */
export class DuckDBWindowQueries implements WindowQueryPort {
  readonly #api: DuckDBApi;
  readonly #connection: DuckDBConnection;
  readonly #limits: QueryLimits;
  readonly #stuckAfterMs: number;
  readonly #turns = new Turns();
  #isStuck = false;
  #isClosed = false;

  constructor(api: DuckDBApi, connection: DuckDBConnection, limits: QueryLimits, stuckAfterMs = STUCK_AFTER_MS) {
    this.#api = api;
    this.#connection = connection;
    this.#limits = limits;
    this.#stuckAfterMs = stuckAfterMs;
  }

  async query(args: QueryArgs): Promise<Row[]> {
    checkReadOnlySql(args.sql);
    if (this.#isClosed) throw databaseClosed();
    return this.#turns.take(() => this.#runUntilStuck(args));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns.settled();
    // One that is stuck has the connection until the process ends.
    if (!this.#isStuck) this.#connection.closeSync();
  }

  /** Nobody waits for a statement that does not end. */
  async #runUntilStuck(args: QueryArgs): Promise<Row[]> {
    if (this.#isStuck) throw new FlowForgeError("BUSY", "A query that could not be interrupted has not ended.");
    const running = this.#run(args);
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#isStuck = true;
        reject(timedOut(this.#limits));
      }, this.#limits.timeMs + this.#stuckAfterMs);
    });
    const ended = () => {
      clearTimeout(timer);
      this.#isStuck = false;
    };
    running.then(ended, ended);
    return Promise.race([running, stuck]);
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
