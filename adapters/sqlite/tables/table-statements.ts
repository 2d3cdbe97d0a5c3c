import { type SQL, type SQLStatement, type SQLValue, StorageError } from "../../../protocols/index.js";
import { checkScript, writeRefused } from "../../../src/adapter-kit/check-statements.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { sqliteCode, storageError } from "../sqlite-errors.js";
import { interruptible } from "./interruptible.js";
import { mayDeferKeys, type RenderedStatement, renderStatement } from "./render-statement.js";
import { SQLITE_STATEMENTS } from "./statement-rules.js";

/** The application's tables, over the connection of an open transaction. */
export class TableStatements implements SQL {
  readonly dialect = "sqlite";
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #interrupt: AbortSignal | undefined;
  readonly #onFailure: (error: unknown) => void;
  /** Whether a statement may have made a foreign key that is checked at the commit only. */
  mayDeferKeys = false;

  /**
   * @param interrupt - ends the statement that is running
   * @param onFailure - told of each statement that failed
   */
  constructor(
    connection: SQLiteConnection,
    location: string,
    interrupt: AbortSignal | undefined,
    onFailure: (error: unknown) => void,
  ) {
    this.#connection = connection;
    this.#location = location;
    this.#interrupt = interrupt;
    this.#onFailure = onFailure;
  }

  // A loop of statements waits for each of them, so that there is one promise around that of the driver and no more.
  async run(statement: SQLStatement): Promise<{ readonly changes: number }> {
    const rendered = this.#allowed(statement);
    try {
      return await this.#interruptible(() => this.#connection.runPositional(rendered.text, rendered.values));
    } catch (error) {
      throw this.#failed(error, rendered);
    }
  }

  async all<Row = Record<string, SQLValue>>(statement: SQLStatement): Promise<Row[]> {
    const rendered = this.#allowed(statement);
    try {
      return await this.#interruptible(() => readRows<Row>(this.#connection, rendered));
    } catch (error) {
      throw this.#failed(error, rendered);
    }
  }

  /** Runs statements that take no values. SQLite finds their ends. */
  async runScript(text: string): Promise<void> {
    checkScript(text, SQLITE_STATEMENTS);
    this.mayDeferKeys ||= mayDeferKeys(text);
    try {
      await this.#interruptible(() => this.#connection.exec(text));
    } catch (error) {
      throw this.#failed(error, { text });
    }
  }

  #allowed(statement: SQLStatement): RenderedStatement {
    const rendered = renderStatement(statement);
    if (rendered.writtenTable !== undefined) throw writeRefused("statement", rendered.writtenTable);
    this.mayDeferKeys ||= rendered.mayDeferKeys;
    return rendered;
  }

  #interruptible<T>(task: () => Promise<T>): Promise<T> {
    return interruptible(this.#connection, this.#interrupt, task);
  }

  #failed(error: unknown, rendered: Pick<RenderedStatement, "text">): unknown {
    if (this.#interrupt?.aborted) return error;
    this.#onFailure(error);
    return storageError(error, attemptOfStatement(rendered), this.#location);
  }
}

/** Runs a statement and returns its rows. */
export async function readRows<Row>(connection: SQLiteConnection, { text, values }: RenderedStatement): Promise<Row[]> {
  return (await connection.allPositional<Record<string, SQLValue>>(text, values)).map(plainRow) as Row[];
}

/** Bytes as what they are, and not as the driver's `Buffer`. */
function plainRow(row: Record<string, SQLValue>): Record<string, SQLValue> {
  for (const [column, value] of Object.entries(row)) {
    if (Buffer.isBuffer(value)) row[column] = new Uint8Array(value);
  }
  return row;
}

/** Says why a query failed; of one that would change something, where that belongs. */
export function queryError(error: unknown, attempt: string, location: string): Error {
  if (sqliteCode(error) !== "SQLITE_READONLY") return storageError(error, attempt, location);
  const message = `Cannot ${attempt} in ${location}: query() only reads. Nothing was changed; use tx.sql.run() in a transaction.`;
  return new StorageError("STORAGE_READ_ONLY", message, { cause: error });
}

const MAX_EXCERPT_LENGTH = 80;

/** Names a statement in a message by its beginning. Its values are not part of it. */
export function attemptOfStatement({ text }: Pick<RenderedStatement, "text">): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return `run "${line.length > MAX_EXCERPT_LENGTH ? `${line.slice(0, MAX_EXCERPT_LENGTH)}...` : line}"`;
}
