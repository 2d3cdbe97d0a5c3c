import type { SQL, SQLStatement, SQLValue } from "../../../protocols/index.js";
import { checkScript } from "../../../src/adapter-kit/check-statements.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { storageError } from "../postgres-errors.js";
import type { SessionSettings } from "../transaction/session-settings.js";
import { checkSchema } from "./check-schema.js";
import { type RenderedStatement, renderStatement } from "./render-statement.js";
import { POSTGRES_STATEMENTS } from "./statement-rules.js";

/** The application's tables, over the connection of an open transaction. */
export class TableStatements implements SQL {
  readonly dialect = "postgresql";
  /** Whether something was run, which may have changed the session. */
  wasUsed = false;
  readonly #connection: PostgresConnection;
  readonly #names: StoreNames;
  readonly #location: string;
  readonly #settings: SessionSettings;

  constructor(connection: PostgresConnection, names: StoreNames, location: string, settings: SessionSettings) {
    this.#connection = connection;
    this.#names = names;
    this.#location = location;
    this.#settings = settings;
  }

  async run(statement: SQLStatement): Promise<{ readonly changes: number }> {
    const { rowCount, command } = await this.#queryTables(renderStatement(statement));
    return { changes: CHANGING.has(command) ? rowCount : 0 };
  }

  async all<Row = Record<string, SQLValue>>(statement: SQLStatement): Promise<Row[]> {
    return (await this.#queryTables(renderStatement(statement))).rows as Row[];
  }

  async runScript(text: string): Promise<void> {
    checkScript(text, POSTGRES_STATEMENTS);
    checkSchema("script", text, this.#names);
    this.wasUsed = true;
    try {
      await this.#settings.asApplication(() => this.#connection.script(text));
      await this.#keepUTF8();
    } catch (error) {
      throw storageError(error, attemptOfStatement({ text }), this.#location);
    }
  }

  async #queryTables(rendered: RenderedStatement) {
    checkSchema("statement", rendered.text, this.#names);
    this.wasUsed = true;
    try {
      const { text, values } = rendered;
      const result = await this.#settings.asApplication(() => this.#connection.queryTables(text, values));
      await this.#keepUTF8();
      return result;
    } catch (error) {
      throw storageError(error, attemptOfStatement(rendered), this.#location);
    }
  }

  /** Whatever a statement has set: texts and events would be stored as others. */
  async #keepUTF8(): Promise<void> {
    if (!this.#connection.usesUTF8) await this.#connection.script("SET LOCAL client_encoding TO 'UTF8'");
  }
}

/** What changes rows, and not only returns them. */
const CHANGING: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

const MAX_EXCERPT_LENGTH = 80;

/** Names a statement in a message by its beginning. Its values are not part of it. */
export function attemptOfStatement({ text }: Pick<RenderedStatement, "text">): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return `run "${line.length > MAX_EXCERPT_LENGTH ? `${line.slice(0, MAX_EXCERPT_LENGTH)}...` : line}"`;
}
