import { pathToFileURL } from "node:url";
import { StorageError } from "../../../protocols/index.js";
import { StatementCache } from "../../../src/adapter-kit/statement-cache.js";
import { kindOfStatement, type StatementKind } from "../tables/statement-kind.js";
import type { OpenMode, RunResult, SQLiteConnection, SQLiteDriver, SQLiteValue } from "./driver.js";
import { withIntegers, withNumbers } from "./exact-number.js";
import { takeTurn } from "./main-thread-turns.js";
import { isSupportedSQLite, MIN_SQLITE_VERSION } from "./sqlite-version.js";

const NAME = "node:sqlite";

/** The first of each line that has a SQLite which is new enough. */
export const NODES_WITH_SQLITE = "Node 22.22.3, 24.15.0, 26 or later";

/** The parts of `node:sqlite` that are used here. The types of the oldest supported Node lack them. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readOnly: boolean; timeout: number }) => DatabaseSync;
}

interface DatabaseSync {
  prepare(sql: string): StatementSync;
  exec(sql: string): void;
  close(): void;
  /** Node 22 lacks it. */
  enableDefensive?(isDefensive: boolean): void;
  readonly isTransaction: boolean;
}

interface StatementSync {
  all(...parameters: readonly (SQLiteValue | bigint)[]): unknown[];
  run(...parameters: readonly (SQLiteValue | bigint)[]): { readonly changes: number | bigint };
  setReadBigInts(areRead: boolean): void;
}

/** Node's own `node:sqlite`. Its calls run on the main thread, and hold it for as long as a statement takes. */
export const nodeSqliteDriver: SQLiteDriver = {
  async open(path, mode) {
    const { DatabaseSync } = loadNodeSqlite();
    try {
      return new NodeSqliteConnection(
        new DatabaseSync(nameOf(path, mode), { readOnly: mode === "readonly", timeout: 0 }),
      );
    } catch (error) {
      throw withPrimaryCode(error);
    }
  },

  // Its SQLite is part of the executable.
  async libraryPath() {
    loadNodeSqlite();
    return "node:sqlite";
  },
};

/** Why this Node's `node:sqlite` cannot be used; null when it can. */
export function nodeSqliteProblem(): string | null {
  if (findNodeSqlite() === undefined) return "it does not have the module node:sqlite";
  const version = process.versions.sqlite;
  if (version === undefined || isSupportedSQLite(version)) return null;
  return `its SQLite is ${version}, and the minimum is ${MIN_SQLITE_VERSION}`;
}

function loadNodeSqlite(): NodeSqlite {
  const problem = nodeSqliteProblem();
  if (problem === null) return findNodeSqlite() as NodeSqlite;
  const message =
    `Cannot use the driver "${NAME}" with Node ${process.versions.node}: ${problem}. ` +
    `Use ${NODES_WITH_SQLITE}, or another driver: npm install sqlite3 sqlite, or npm install better-sqlite3.`;
  throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message);
}

// Asked for like this, no bundler looks for a package of the name, and a Node without it answers undefined.
function findNodeSqlite(): NodeSqlite | undefined {
  return process.getBuiltinModule(NAME) as NodeSqlite | undefined;
}

/** It has no option that keeps it from creating a file. A URI has. */
function nameOf(path: string, mode: OpenMode): string {
  return mode === "existing" ? `${pathToFileURL(path).href}?mode=rw` : path;
}

class NodeSqliteConnection implements SQLiteConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new StatementCache<StatementSync>();
  readonly #positional = new StatementCache<PositionalStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async prepare(sql: string): Promise<void> {
    calling(() => this.#prepare(sql));
  }

  async run(sql: string, parameters: readonly SQLiteValue[] = []): Promise<RunResult> {
    const turn = takeTurn(this.#database.isTransaction);
    if (turn !== undefined) await turn;
    return calling(() => ({ changes: Number(this.#prepare(sql).run(...bindings(parameters)).changes) }));
  }

  async all<Row>(sql: string, parameters: readonly SQLiteValue[] = []): Promise<Row[]> {
    const turn = takeTurn(this.#database.isTransaction);
    if (turn !== undefined) await turn;
    return calling(() => this.#prepare(sql).all(...bindings(parameters)) as Row[]);
  }

  async runPositional(sql: string, values: readonly SQLiteValue[]): Promise<RunResult> {
    // It is run in transactions only.
    const turn = takeTurn(true);
    if (turn !== undefined) await turn;
    return calling(() => {
      const { statement, mayChangeRows } = this.#preparePositional(sql);
      const { changes } = statement.run(...withIntegers(bindings(values)));
      return { changes: mayChangeRows ? Number(changes) : 0 };
    });
  }

  async allPositional<Row>(sql: string, values: readonly SQLiteValue[]): Promise<Row[]> {
    const turn = takeTurn(this.#database.isTransaction);
    if (turn !== undefined) await turn;
    // A row has no prototype here, and what compares objects would find it another one.
    const plainRow = (row: unknown) => withNumbers({ ...(row as Row) });
    return calling(() =>
      this.#preparePositional(sql)
        .statement.all(...withIntegers(bindings(values)))
        .map(plainRow),
    );
  }

  #preparePositional(sql: string): PositionalStatement {
    const kept = this.#positional.get(sql);
    if (kept !== undefined) return kept;
    const statement = this.#database.prepare(sql);
    // Read as a number, the smallest whole number of all is rounded without an error.
    statement.setReadBigInts(true);
    const positional = { statement, mayChangeRows: kindOfStatement(sql).mayChangeRows };
    this.#positional.add(sql, positional);
    return positional;
  }

  async exec(sql: string): Promise<void> {
    const turn = takeTurn(this.#database.isTransaction);
    if (turn !== undefined) await turn;
    calling(() => this.#database.exec(sql));
  }

  // Node 22 never forbids it, later ones do from the beginning.
  setDefensive(isDefensive: boolean): void {
    this.#database.enableDefensive?.(isDefensive);
  }

  // Finalizes the statements too.
  async close(): Promise<void> {
    this.#statements.clear();
    this.#positional.clear();
    calling(() => this.#database.close());
  }

  #prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    if (kept !== undefined) return kept;
    const statement = this.#database.prepare(sql);
    this.#statements.add(sql, statement);
    return statement;
  }
}

/** A statement of the application's, with what was read of its text. */
interface PositionalStatement extends Pick<StatementKind, "mayChangeRows"> {
  readonly statement: StatementSync;
}

/** No bytes, and memory that they are in. Node 22 binds NULL where there is none. */
const NO_BYTES = new Uint8Array(1).subarray(1);

function bindings(parameters: readonly SQLiteValue[]): readonly SQLiteValue[] {
  return parameters.some(isEmpty) ? parameters.map((value) => (isEmpty(value) ? NO_BYTES : value)) : parameters;
}

function isEmpty(value: SQLiteValue): boolean {
  return value instanceof Uint8Array && value.length === 0;
}

function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw withPrimaryCode(error);
  }
}

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const PRIMARY_CODES: Readonly<Record<number, string>> = {
  1: "SQLITE_ERROR",
  3: "SQLITE_PERM",
  4: "SQLITE_ABORT",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  7: "SQLITE_NOMEM",
  8: "SQLITE_READONLY",
  9: "SQLITE_INTERRUPT",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  15: "SQLITE_PROTOCOL",
  17: "SQLITE_SCHEMA",
  18: "SQLITE_TOOBIG",
  19: "SQLITE_CONSTRAINT",
  20: "SQLITE_MISMATCH",
  21: "SQLITE_MISUSE",
  25: "SQLITE_RANGE",
  26: "SQLITE_NOTADB",
};

/** node:sqlite gives extended codes as numbers, of which the lowest byte is the primary one. */
function withPrimaryCode(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if ("errcode" in error && typeof error.errcode === "number") {
    return Object.assign(error, { code: PRIMARY_CODES[error.errcode & 0xff] ?? "SQLITE_ERROR" });
  }
  // A whole number in the file that JavaScript cannot hold. No version of this library writes one.
  return isOutOfRange(error) ? Object.assign(error, { code: "SQLITE_CORRUPT" }) : error;
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}
