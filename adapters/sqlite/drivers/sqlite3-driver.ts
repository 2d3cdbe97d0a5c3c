import { createRequire } from "node:module";
import type { Database, Statement } from "sqlite";
import type Constants from "sqlite3";
import { StatementCache } from "../../../src/adapter-kit/statement-cache.js";
import { kindOfStatement, type StatementKind } from "../tables/statement-kind.js";
import {
  COUNT_CHANGES,
  type OpenMode,
  type RunResult,
  type SQLiteConnection,
  type SQLiteDriver,
  type SQLiteValue,
} from "./driver.js";
import { isModuleMissing, loadDriverError } from "./load-driver-error.js";

const FLAGS: Readonly<Record<OpenMode, (constants: typeof Constants) => number>> = {
  create: ({ OPEN_READWRITE, OPEN_CREATE }) => OPEN_READWRITE | OPEN_CREATE,
  existing: ({ OPEN_READWRITE }) => OPEN_READWRITE,
  readonly: ({ OPEN_READONLY }) => OPEN_READONLY,
};

/** The `sqlite3` package, through `sqlite`. Its calls run on libuv's thread pool, never on the main thread. */
export const sqlite3Driver: SQLiteDriver = {
  async open(path, mode) {
    const { sqlite3, open } = await loadModules();
    const database = await open({ filename: path, mode: FLAGS[mode](sqlite3), driver: sqlite3.Database });
    database.configure("busyTimeout", 0);
    return new Sqlite3Connection(database);
  },

  async libraryPath() {
    await loadModules();
    return createRequire(import.meta.url).resolve("sqlite3");
  },
};

/** Whether the packages of this driver are not installed. They may be there and not work; opening says why. */
export async function isSqlite3Missing(): Promise<boolean> {
  return importModules().then(
    () => false,
    (error) => isModuleMissing(error),
  );
}

async function loadModules() {
  try {
    return await importModules();
  } catch (cause) {
    throw loadDriverError("sqlite3", "sqlite3 sqlite", cause);
  }
}

// Loaded at the first open, so that importing the package costs no native code and needs no optional package.
async function importModules() {
  const [{ default: sqlite3 }, { open }] = await Promise.all([import("sqlite3"), import("sqlite")]);
  if (typeof open === "function") return { sqlite3, open };
  // Deno takes the name for its own node:sqlite.
  const reason = 'this runtime has its own module in place of the package "sqlite"';
  throw Object.assign(new Error(reason), { code: "ERR_MODULE_NOT_FOUND" });
}

class Sqlite3Connection implements SQLiteConnection {
  readonly #database: Database;
  readonly #statements = new StatementCache<Statement>();
  readonly #positional = new StatementCache<PositionalStatement>();

  constructor(database: Database) {
    this.#database = database;
  }

  async prepare(sql: string): Promise<void> {
    if (this.#statements.get(sql) === undefined) await this.#prepared(sql);
  }

  // What is called most goes straight to the native statement: the promises of `sqlite` around it cost as much as a
  // short read takes.
  async run(sql: string, parameters: readonly SQLiteValue[] = []): Promise<RunResult> {
    return this.#run(this.#statements.get(sql) ?? (await this.#prepared(sql)), parameters);
  }

  async runPositional(sql: string, values: readonly SQLiteValue[]): Promise<RunResult> {
    const positional = this.#positional.get(sql) ?? (await this.#preparedPositional(sql));
    const { statement, mayChangeRows, mayReturnRows } = positional;
    if (!mayReturnRows) {
      const result = this.#run(statement, values);
      return mayChangeRows ? result : result.then(() => ({ changes: 0 }));
    }
    // sqlite3 would run it up to its first row. Then it has not said yet how many rows it changed, and it stays under way: no
    // transaction of the connection can be committed, that one or a later one.
    await this.#allOf(positional, values);
    if (!mayChangeRows) return { changes: 0 };
    const [changed] = await this.all<RunResult>(COUNT_CHANGES);
    return changed as RunResult;
  }

  #run(statement: Statement, parameters: readonly SQLiteValue[]): Promise<RunResult> {
    return new Promise((resolve, reject) => {
      statement.getStatementInstance().run(parameters, function (this: RunResult, error: Error | null) {
        if (error === null) resolve({ changes: this.changes });
        else resetAfter(statement, error).catch(reject);
      });
    });
  }

  async all<Row>(sql: string, parameters: readonly SQLiteValue[] = []): Promise<Row[]> {
    return this.#all(this.#statements.get(sql) ?? (await this.#prepared(sql)), parameters);
  }

  async allPositional<Row>(sql: string, values: readonly SQLiteValue[]): Promise<Row[]> {
    return this.#allOf(this.#positional.get(sql) ?? (await this.#preparedPositional(sql)), values);
  }

  // SQLite does not end by itself what it explains: until it is reset, later reads of the connection see nothing new.
  #allOf<Row>({ statement, isExplaining }: PositionalStatement, values: readonly SQLiteValue[]): Promise<Row[]> {
    const reading = this.#all<Row>(statement, values);
    return isExplaining ? reading.then((rows) => statement.reset().then(() => rows)) : reading;
  }

  #all<Row>(statement: Statement, parameters: readonly SQLiteValue[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      statement.getStatementInstance().all<Row>(parameters, (error: Error | null, rows: Row[]) => {
        if (error === null) resolve(rows);
        else resetAfter(statement, error).catch(reject);
      });
    });
  }

  async exec(sql: string): Promise<void> {
    await this.#database.exec(sql);
  }

  interrupt(): void {
    this.#database.getDatabaseInstance().interrupt();
  }

  async close(): Promise<void> {
    // A statement that is left makes close fail with an error event that nobody can catch.
    for (const statement of this.#statements.clear()) await statement.finalize();
    for (const { statement } of this.#positional.clear()) await statement.finalize();
    await this.#database.close();
  }

  async #prepared(sql: string): Promise<Statement> {
    const statement = await this.#database.prepare(sql);
    await this.#statements.add(sql, statement)?.finalize();
    return statement;
  }

  async #preparedPositional(sql: string): Promise<PositionalStatement> {
    const positional = { statement: await this.#database.prepare(sql), ...kindOfStatement(sql) };
    await this.#positional.add(sql, positional)?.statement.finalize();
    return positional;
  }
}

/** A statement of the application's, with what was read of its text. */
interface PositionalStatement extends StatementKind {
  readonly statement: Statement;
}

/** A statement that found the database locked is still under way for SQLite, which may refuse others until it is reset. */
async function resetAfter(statement: Statement, error: Error): Promise<never> {
  await statement.reset();
  throw error;
}
