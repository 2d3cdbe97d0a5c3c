import type { SQL, SQLStatement } from "async-streams";
import { OperationMetrics } from "./operation-metrics.js";

/** A statement that took longer than `slowQueryMs`. Its values are not part of it: they may be secrets. */
export interface SlowQuery {
  readonly text: string;
  readonly durationMs: number;
}

/** Measures operations for the metrics, and statements for the log of slow queries. */
export class Watchdog {
  readonly metrics = new OperationMetrics();
  readonly #slowQueryMs: number;
  readonly #onSlowQuery: (query: SlowQuery) => void;

  constructor(slowQueryMs: number, onSlowQuery: (query: SlowQuery) => void) {
    this.#slowQueryMs = slowQueryMs;
    this.#onSlowQuery = onSlowQuery;
  }

  /** Measures an operation of the store, such as "create run". */
  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    let outcome: "ok" | "error" = "error";
    try {
      const result = await work();
      outcome = "ok";
      return result;
    } finally {
      this.metrics.observe(operation, outcome, (performance.now() - startedAtMs) / 1_000);
    }
  }

  /** Measures a statement. */
  async statement<T>({ strings }: SQLStatement, run: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      return await run();
    } finally {
      const durationMs = performance.now() - startedAtMs;
      if (durationMs >= this.#slowQueryMs) {
        this.metrics.slowQueries += 1;
        this.#onSlowQuery({ text: strings.join("?").replace(/\s+/g, " ").trim(), durationMs });
      }
    }
  }

  /** The same tables, with each statement measured. */
  watched(tables: SQL): SQL {
    return {
      dialect: tables.dialect,
      run: (statement) => this.statement(statement, () => tables.run(statement)),
      all: <Row>(statement: SQLStatement) => this.statement(statement, () => tables.all<Row>(statement)),
    };
  }
}
