import type { RunResult, SQLiteConnection, SQLiteDriver, SQLiteValue } from "../../adapters/sqlite/drivers/driver.js";
import type { StatementProfile } from "./profile.js";

type Call = StatementProfile["call"];
type Counts = { -readonly [Name in keyof StatementProfile]: StatementProfile[Name] };

/** Counts what passes the driver port. */
export class CallCounter {
  readonly #counts = new Map<string, Counts>();

  /** Forgets what was counted so far. */
  reset(): void {
    this.#counts.clear();
  }

  /** What was called, the most often called first. */
  statements(): StatementProfile[] {
    return [...this.#counts.values()].map((counts) => ({ ...counts })).sort((a, b) => b.calls - a.calls);
  }

  async count<T>(call: Call, sql: string, parameters: readonly SQLiteValue[], run: () => Promise<T>): Promise<T> {
    const key = `${call} ${sql}`;
    const counts = this.#counts.get(key) ?? { call, sql, calls: 0, waitedMs: 0, boundBytes: 0, returnedBytes: 0 };
    this.#counts.set(key, counts);
    counts.calls += 1;
    for (const value of parameters) counts.boundBytes += bytesOf(value);
    const beganMs = performance.now();
    try {
      const result = await run();
      if (call === "all") for (const row of result as object[]) counts.returnedBytes += rowBytes(row);
      return result;
    } finally {
      counts.waitedMs += performance.now() - beganMs;
    }
  }
}

/** The driver, with each call counted. */
export function countCalls(driver: SQLiteDriver, counter: CallCounter): SQLiteDriver {
  return {
    libraryPath: (path) => driver.libraryPath(path),
    open: async (path, mode) => {
      const connection = await counter.count("open", mode, [], () => driver.open(path, mode));
      return countConnection(connection, counter);
    },
  };
}

function countConnection(connection: SQLiteConnection, counter: CallCounter): SQLiteConnection {
  return {
    prepare: (sql) => counter.count("prepare", sql, [], () => connection.prepare(sql)),
    run: (sql, parameters = []) =>
      counter.count<RunResult>("run", sql, parameters, () => connection.run(sql, parameters)),
    all: <Row>(sql: string, parameters: readonly SQLiteValue[] = []) =>
      counter.count<Row[]>("all", sql, parameters, () => connection.all<Row>(sql, parameters)),
    runPositional: (sql, values) =>
      counter.count<RunResult>("run", sql, values, () => connection.runPositional(sql, values)),
    allPositional: <Row>(sql: string, values: readonly SQLiteValue[]) =>
      counter.count<Row[]>("all", sql, values, () => connection.allPositional<Row>(sql, values)),
    exec: (sql) => counter.count("exec", sql, [], () => connection.exec(sql)),
    close: () => counter.count("close", "", [], () => connection.close()),
  };
}

function rowBytes(row: object): number {
  return Object.values(row).reduce((sum: number, value) => sum + bytesOf(value as SQLiteValue), 0);
}

function bytesOf(value: SQLiteValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return 8;
  return value?.byteLength ?? 0;
}
