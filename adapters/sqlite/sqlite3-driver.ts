import type { Database, Statement } from "sqlite";
import { StorageError } from "../../protocols/index.js";
import type { RunResult, SQLiteConnection, SQLiteDriver, SQLiteValue } from "./driver.js";

/** How many prepared statements a connection keeps; the one that was not used for longest goes first. */
const MAX_PREPARED_STATEMENTS = 64;

/** The `sqlite3` package, through `sqlite`. Its calls run on libuv's thread pool, never on the main thread. */
export const sqlite3Driver: SQLiteDriver = {
  async open(path, mode) {
    const { sqlite3, open } = await loadModules();
    const flags = mode === "readonly" ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
    const database = await open({ filename: path, mode: flags, driver: sqlite3.Database });
    database.configure("busyTimeout", 0);
    return new Sqlite3Connection(database);
  },
};

// Loaded at the first open, so that importing the package costs no native code.
async function loadModules() {
  try {
    const [{ default: sqlite3 }, { open }] = await Promise.all([import("sqlite3"), import("sqlite")]);
    return { sqlite3, open };
  } catch (cause) {
    const message = 'Cannot load the driver "sqlite3". Install it again on this machine: npm rebuild sqlite3.';
    throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message, { cause });
  }
}

class Sqlite3Connection implements SQLiteConnection {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  async run(sql: string, parameters: readonly SQLiteValue[] = []): Promise<RunResult> {
    const statement = this.#statements.get(sql) ?? (await this.#prepare(sql));
    const { changes = 0 } = await statement.run(parameters);
    return { changes };
  }

  async all<Row>(sql: string, parameters: readonly SQLiteValue[] = []): Promise<Row[]> {
    const statement = this.#statements.get(sql) ?? (await this.#prepare(sql));
    return statement.all<Row[]>(parameters);
  }

  async exec(sql: string): Promise<void> {
    await this.#database.exec(sql);
  }

  async close(): Promise<void> {
    // A statement that is left makes close fail with an error event that nobody can catch.
    for (const statement of this.#statements.values()) await statement.finalize();
    this.#statements.clear();
    await this.#database.close();
  }

  async #prepare(sql: string): Promise<Statement> {
    if (this.#statements.size >= MAX_PREPARED_STATEMENTS) await this.#dropOldest();
    const statement = await this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  async #dropOldest(): Promise<void> {
    for (const [sql, statement] of this.#statements) {
      this.#statements.delete(sql);
      await statement.finalize();
      return;
    }
  }
}
