import type { SQL, SQLStatement } from "async-streams";
import { OperationMetrics } from "./operation-metrics.js";

/** A statement that took longer than `slowQueryMs`, with `?` for each of its values: they may be secrets. */
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
  async statement<T>(statement: SQLStatement, run: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      return await run();
    } finally {
      const durationMs = performance.now() - startedAtMs;
      if (durationMs >= this.#slowQueryMs) {
        this.metrics.slowQueries += 1;
        this.#onSlowQuery({ text: textOf(statement), durationMs });
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

/** The text with the names of tables and columns, and without values. */
function textOf({ strings, values }: SQLStatement): string {
  const [first = "", ...rest] = strings;
  const text = rest.reduce((before, part, index) => {
    const value = values[index];
    const isName = typeof value === "object" && value !== null && "name" in value;
    return `${before}${isName ? value.name : "?"}${part}`;
  }, first);
  return text.replace(/\s+/g, " ").trim();
}
