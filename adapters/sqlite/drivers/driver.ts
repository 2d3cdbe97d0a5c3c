/**
 * The few calls that the adapter makes of a SQLite driver. Another driver takes the place of `sqlite3` by implementing
 * this port and nothing else; tests inject faults here.
 */
export interface SQLiteDriver {
  /** Opens a database file, or `:memory:`. */
  open(path: string, mode: OpenMode): Promise<SQLiteConnection>;
  /**
   * The copy of SQLite that would open a path, as the resolved path of its package, or the name of the module of Node
   * that has it. Within a process, connections through one copy see each other's locks, in all threads; those through
   * two copies do not.
   *
   * @throws StorageError when the driver cannot be loaded
   * @throws InvalidArgumentError when the driver cannot open such a path
   */
  libraryPath(path: string): Promise<string>;
}

/**
 * What a connection may do to the file. `"create"` reads and writes it, and makes it where there is none. `"existing"`
 * reads and writes it, and `"readonly"` reads it; without a file both fail with `SQLITE_CANTOPEN`.
 */
export type OpenMode = "create" | "existing" | "readonly";

/**
 * One connection. Its user has at most one call under way at a time.
 *
 * Parameters are numbered from `?1`, without a gap, or anonymous (`?`), in order.
 *
 * A text that has a zero character may come back cut at it, as `node:sqlite` of Node 22 does. So names and keys, which
 * callers choose, are read as JSON.
 *
 * A failed call rejects with an error whose `code` is SQLite's name of its primary result code, such as
 * `"SQLITE_IOERR"`; where the driver knows the extended one, such as `"SQLITE_IOERR_FSYNC"`, it is the error's
 * `extendedCode`. A connection never waits for a lock itself: that would hold the main thread, or a thread of the
 * process's small pool.
 */
export interface SQLiteConnection {
  /** Prepares a statement ahead of its first run. */
  prepare(sql: string): Promise<void>;
  /** Runs one statement that returns no rows. Statements are prepared once and kept. */
  run(sql: string, parameters?: readonly SQLiteValue[]): Promise<RunResult>;
  /** Runs one statement and returns its rows, if it has any. */
  all<Row>(sql: string, parameters?: readonly SQLiteValue[]): Promise<Row[]>;
  /**
   * As `run`, for a statement of the application's in a transaction: its parameters are anonymous (`?`), in order. Those
   * statements are prepared and kept apart from the library's own. It may return rows, which are left, and nothing of it stays
   * under way. One that cannot insert, update or delete rows has changed none, and what triggers change does not count.
   */
  runPositional(sql: string, values: readonly SQLiteValue[]): Promise<RunResult>;
  /** As `all`, for a statement of the application's. A whole number beyond 2^53 is an error where the driver can tell. */
  allPositional<Row>(sql: string, values: readonly SQLiteValue[]): Promise<Row[]>;
  /** Ends the statement that is running, which fails with `SQLITE_INTERRUPT`. Absent where calls hold the main thread. */
  interrupt?(): void;
  /** Runs statements that take no parameters. */
  exec(sql: string): Promise<void>;
  /**
   * Says whether SQL may not change the schema table and the tables in which virtual tables keep their content. Absent
   * where the driver never forbids it.
   */
  setDefensive?(isDefensive: boolean): void;
  /** Releases everything, prepared statements first. */
  close(): Promise<void>;
}

/** The values that may be bound. A driver might silently change others, so the type refuses them. */
export type SQLiteValue = string | number | null | Uint8Array;

/** How many rows the last statement has changed: of one that returns rows, some drivers do not say it. */
export const COUNT_CHANGES = "SELECT changes() AS changes";

/** The result of a statement. */
export interface RunResult {
  /** How many rows it inserted, updated or deleted. */
  readonly changes: number;
}
