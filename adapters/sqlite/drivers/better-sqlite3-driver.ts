import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";
import type { Database, Options, Statement } from "better-sqlite3";
import { StatementCache } from "../../../src/adapter-kit/statement-cache.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { kindOfStatement, type StatementKind } from "../tables/statement-kind.js";
import {
  COUNT_CHANGES,
  type OpenMode,
  type RunResult,
  type SQLiteConnection,
  type SQLiteDriver,
  type SQLiteValue,
} from "./driver.js";
import { withIntegers, withNumbers } from "./exact-number.js";
import { loadDriverError } from "./load-driver-error.js";
import { takeTurn } from "./main-thread-turns.js";

const OPTIONS: Readonly<Record<OpenMode, Options>> = {
  create: {},
  existing: { fileMustExist: true },
  readonly: { readonly: true },
};

/** The `better-sqlite3` package. Its calls run on the main thread, and hold it for as long as a statement takes. */
export const betterSqlite3Driver: SQLiteDriver = {
  async open(path, mode) {
    assertTakes(path);
    const Database = await loadDatabase();
    try {
      return new BetterSqlite3Connection(new Database(path, { ...OPTIONS[mode], timeout: 0 }));
    } catch (error) {
      // A missing folder is the one thing that it looks for itself, before SQLite.
      if (error instanceof TypeError) throw Object.assign(error, { code: "SQLITE_CANTOPEN" });
      throw withPrimaryCode(error);
    }
  },

  async libraryPath(path) {
    assertTakes(path);
    await loadDatabase();
    return createRequire(import.meta.url).resolve("better-sqlite3");
  },
};

function assertTakes(path: string): void {
  if (path === path.trim()) return;
  const reason = 'better-sqlite3 drops white space at its end; choose another path, or the driver "sqlite3"';
  throw invalidArgument("path", reason);
}

let loaded: typeof BetterSqlite3 | undefined;

// Loaded at the first open, so that importing the package costs no native code and needs no optional package.
async function loadDatabase(): Promise<typeof BetterSqlite3> {
  if (loaded !== undefined) return loaded;
  try {
    const { default: Database } = await import("better-sqlite3");
    // The native part is loaded by the first database.
    new Database(":memory:").close();
    loaded = Database;
    return Database;
  } catch (cause) {
    throw loadDriverError("better-sqlite3", "better-sqlite3", cause);
  }
}

class BetterSqlite3Connection implements SQLiteConnection {
  readonly #database: Database;
  readonly #statements = new StatementCache<NumberedStatement>();
  readonly #positional = new StatementCache<PositionalStatement>();

  constructor(database: Database) {
    this.#database = database;
  }

  async prepare(sql: string): Promise<void> {
    calling(() => this.#prepare(sql));
  }

  async run(sql: string, parameters: readonly SQLiteValue[] = []): Promise<RunResult> {
    const turn = takeTurn(this.#database.inTransaction);
    if (turn !== undefined) await turn;
    return calling(() => {
      const prepared = this.#prepare(sql);
      const { changes } = prepared.statement.run(...bindings(prepared, parameters));
      return { changes };
    });
  }

  async all<Row>(sql: string, parameters: readonly SQLiteValue[] = []): Promise<Row[]> {
    const turn = takeTurn(this.#database.inTransaction);
    if (turn !== undefined) await turn;
    return calling(() => {
      const prepared = this.#prepare(sql);
      const { statement } = prepared;
      if (statement.reader) return statement.all(...bindings(prepared, parameters)) as Row[];
      statement.run(...bindings(prepared, parameters));
      return [];
    });
  }

  async runPositional(sql: string, values: readonly SQLiteValue[]): Promise<RunResult> {
    // It is run in transactions only.
    const turn = takeTurn(true);
    if (turn !== undefined) await turn;
    try {
      const { statement, mayChangeRows } = this.#preparePositional(sql);
      // It does not run what returns rows.
      if (!statement.reader) {
        const { changes } = statement.run(...withIntegers(values));
        return { changes: mayChangeRows ? changes : 0 };
      }
      statement.all(...withIntegers(values));
      return mayChangeRows ? (this.#prepare(COUNT_CHANGES).statement.get() as RunResult) : { changes: 0 };
    } catch (error) {
      throw withPrimaryCode(error);
    }
  }

  async allPositional<Row>(sql: string, values: readonly SQLiteValue[]): Promise<Row[]> {
    const turn = takeTurn(this.#database.inTransaction);
    if (turn !== undefined) await turn;
    return calling(() => {
      const { statement } = this.#preparePositional(sql);
      if (statement.reader) return (statement.all(...withIntegers(values)) as Row[]).map(withNumbers);
      statement.run(...withIntegers(values));
      return [];
    });
  }

  #preparePositional(sql: string): PositionalStatement {
    const kept = this.#positional.get(sql);
    if (kept !== undefined) return kept;
    const statement = this.#database.prepare(sql);
    // It would round a whole number that is too large.
    if (statement.reader) statement.safeIntegers(true);
    const positional = { statement, mayChangeRows: kindOfStatement(sql).mayChangeRows };
    this.#positional.add(sql, positional);
    return positional;
  }

  async exec(sql: string): Promise<void> {
    const turn = takeTurn(this.#database.inTransaction);
    if (turn !== undefined) await turn;
    calling(() => this.#database.exec(sql));
  }

  setDefensive(isDefensive: boolean): void {
    this.#database.unsafeMode(!isDefensive);
  }

  // Finalizes the statements too.
  async close(): Promise<void> {
    this.#statements.clear();
    this.#positional.clear();
    calling(() => this.#database.close());
  }

  #prepare(sql: string): NumberedStatement {
    const kept = this.#statements.get(sql);
    if (kept !== undefined) return kept;
    const prepared = { statement: this.#database.prepare(sql), isNumbered: sql.includes("?1") };
    this.#statements.add(sql, prepared);
    return prepared;
  }
}

/** A statement of the library's. */
interface NumberedStatement {
  readonly statement: Statement;
  /** Whether its parameters have numbers. */
  readonly isNumbered: boolean;
}

/** A statement of the application's, with what was read of its text. */
interface PositionalStatement extends Pick<StatementKind, "mayChangeRows"> {
  readonly statement: Statement;
}

/**
 * Numbered parameters are named ones to better-sqlite3: `?1` takes the property `1` of an object. It looks each up by its name,
 * which anonymous ones are spared.
 */
function bindings({ isNumbered }: NumberedStatement, parameters: readonly SQLiteValue[]): readonly unknown[] {
  if (parameters.length === 0) return [];
  if (!isNumbered) return [parameters];
  const values: Record<number, SQLiteValue> = {};
  for (let index = 0; index < parameters.length; index += 1) values[index + 1] = parameters[index] as SQLiteValue;
  return [values];
}

function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw withPrimaryCode(error);
  }
}

/** better-sqlite3 gives extended codes: `SQLITE_IOERR_FSYNC` becomes `SQLITE_IOERR`, and stays as `extendedCode`. */
function withPrimaryCode(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const [primary] = /^SQLITE_[A-Z]+/.exec(error.code) ?? [error.code];
  return Object.assign(error, { code: primary, extendedCode: error.code });
}
