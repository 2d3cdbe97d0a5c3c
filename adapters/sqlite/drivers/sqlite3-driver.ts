import { createRequire } from "node:module";
import type { Database, Statement } from "sqlite";
import type Constants from "sqlite3";
import { StatementCache } from "../../../src/adapter-kit/statement-cache.js";
import type { OpenMode, RunResult, SQLiteConnection, SQLiteDriver, SQLiteValue } from "./driver.js";
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
  readonly #positional = new StatementCache<Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  async prepare(sql: string): Promise<void> {
    await this.#prepared(sql, this.#statements);
  }

  // What is called most goes straight to the native statement: the promises of `sqlite` around it cost as much as a
  // short read takes.
  async run(sql: string, parameters: readonly SQLiteValue[] = []): Promise<RunResult> {
    return this.#run(this.#statements.get(sql) ?? (await this.#prepared(sql, this.#statements)), parameters);
  }

  async runPositional(sql: string, values: readonly SQLiteValue[]): Promise<RunResult> {
    if (!mayReturnRows(sql)) return this.#run(await this.#prepared(sql, this.#positional), values);
    await this.allPositional(sql, values);
    const [changed] = await this.all<RunResult>("SELECT changes() AS changes");
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
    return this.#all(this.#statements.get(sql) ?? (await this.#prepared(sql, this.#statements)), parameters);
  }

  async allPositional<Row>(sql: string, values: readonly SQLiteValue[]): Promise<Row[]> {
    const statement = await this.#prepared(sql, this.#positional);
    const rows = await this.#all<Row>(statement, values);
    if (EXPLAINING.test(sql)) await statement.reset();
    return rows;
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
    for (const statements of [this.#statements, this.#positional]) {
      for (const statement of statements.clear()) await statement.finalize();
    }
    await this.#database.close();
  }

  async #prepared(sql: string, statements: StatementCache<Statement>): Promise<Statement> {
    const kept = statements.get(sql);
    if (kept !== undefined) return kept;
    const statement = await this.#database.prepare(sql);
    await statements.add(sql, statement)?.finalize();
    return statement;
  }
}

// SQLite does not end by itself what it explains: until it is reset, later reads of the connection see nothing new.
const EXPLAINING = /explain/i;

const WITHOUT_ROWS = /^\s*(?:INSERT|REPLACE|UPDATE|DELETE|CREATE|ALTER|DROP)\b/i;

/**
 * Whether a statement's rows have to be read. sqlite3 runs one up to its first row. Then it has not said yet how many rows it
 * changed, and it stays under way: no transaction of the connection can be committed, that one or a later one.
 */
function mayReturnRows(sql: string): boolean {
  return !WITHOUT_ROWS.test(sql) || /returning/i.test(sql);
}

/** A statement that found the database locked is still under way for SQLite, which may refuse others until it is reset. */
async function resetAfter(statement: Statement, error: Error): Promise<never> {
  await statement.reset();
  throw error;
}
