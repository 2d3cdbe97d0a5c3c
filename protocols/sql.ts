/** A value that a statement takes, and that a row has. */
export type SQLValue = string | number | boolean | null | Uint8Array;

/** The name of a table or a column, made by `name`. The adapter quotes it. */
export interface SQLName {
  /** The name as it is, without quotes. */
  readonly name: string;
}

/**
 * A statement and its values, made by `sql` or `rawSQL`. Values are bound, and never become text.
 *
 * With one string more than values, the values go between the strings. With one string and any number of values, the text
 * has the database's own placeholders.
 */
export interface SQLStatement {
  /** The parts of the text. */
  readonly strings: readonly string[];
  /** In order. */
  readonly values: readonly (SQLValue | SQLName)[];
}

/** The result of a statement that changes something. */
export interface SQLResult {
  /** How many rows it inserted, updated or deleted. */
  readonly changes: number;
}

/**
 * The application's tables, in the same database as the events. A call takes one statement.
 *
 * `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `RELEASE`, `PRAGMA`, `ATTACH`, `DETACH` and `VACUUM` are refused, and so are
 * values that SQL does not have, such as a `Date`, a `bigint` or `undefined`. Names that begin with `es_` are the library's.
 *
 * @example
 * ```ts
 * await streams.transaction(async (tx) => {
 *   await tx.sql.run(sql`UPDATE accounts SET balance = balance + ${amount} WHERE id = ${id}`);
 * });
 * ```
 */
export interface SQL {
  /** Which SQL the database speaks. */
  readonly dialect: "sqlite" | "postgresql";
  /**
   * Runs a statement that changes something, and says how many rows it changed.
   *
   * @throws InvalidArgumentError when it is not one allowed statement, or a value cannot be bound.
   * @throws StorageError when it fails; `cause` has the driver's error.
   */
  run(statement: SQLStatement): Promise<SQLResult>;
  /**
   * Runs a statement and returns its rows. Whole numbers come back as numbers, also those of `count(*)`. One that a number
   * cannot hold exactly is refused where the driver can tell; `sqlite3` rounds it. SQLite has no booleans: they come back
   * as 0 and 1.
   *
   * @throws InvalidArgumentError when it is not one allowed statement, or a value cannot be bound.
   * @throws StorageError when it fails; `cause` has the driver's error.
   */
  all<Row = Record<string, SQLValue>>(statement: SQLStatement): Promise<Row[]>;
}
