import { isStreamError, rawSQL } from "async-streams";
import type { ProjectionStorePort, QueryArgs, Row, UpsertArgs } from "../ports.js";
import { checkWritable } from "../schema/derived-tables.js";
import { quoted } from "../table-name.js";
import { checkRows, columnValue, upsertStatements } from "../upsert-statements.js";
import { withExactNumbers } from "./exact-numbers.js";
import type { SQLiteSession } from "./sqlite-session.js";

/** Rows of one statement. SQLite takes 32,766 values, and no table has more than twenty columns. */
const UPSERTED_ROWS = 200;

/** The application's tables beside the events. */
export class SQLiteProjectionStore implements ProjectionStorePort {
  readonly #session: SQLiteSession;

  constructor(session: SQLiteSession) {
    this.#session = session;
  }

  async query({ sql, params = [] }: QueryArgs): Promise<Row[]> {
    const statement = rawSQL(sql, params.map(columnValue));
    const { current, streams } = this.#session;
    if (current !== undefined) return withExactNumbers(await current.sql.all(statement));
    try {
      return withExactNumbers(await streams.query(statement));
    } catch (error) {
      // It would change something, so it needs a transaction.
      if (!isStreamError(error, "STORAGE_READ_ONLY")) throw error;
      return this.#session.transaction(async (tx) => withExactNumbers(await tx.sql.all(statement)));
    }
  }

  async upsert({ table, rows }: UpsertArgs): Promise<void> {
    checkWritable(table);
    checkRows(rows);
    if (rows.length === 0) return;
    await this.#session.transaction(async (tx) => {
      const columns = await tx.sql.all<{ name: string; pk: number }>(rawSQL(KEY_AND_REQUIRED, [table]));
      const key = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
      const required = columns.filter(({ pk }) => pk === 0).map(({ name }) => name);
      for (const { text, values } of upsertStatements({ table, rows }, key, UPSERTED_ROWS, required)) {
        await tx.sql.run(rawSQL(text, values));
      }
    });
  }

  async truncate({ table }: { readonly table: string }): Promise<void> {
    checkWritable(table);
    await this.#session.transaction((tx) => tx.sql.run(rawSQL(`DELETE FROM ${quoted(table)}`, [])));
  }
}

/** The columns of the primary key, and those that a new row must have. */
const KEY_AND_REQUIRED =
  'SELECT name, pk FROM pragma_table_info(?) WHERE pk > 0 OR ("notnull" = 1 AND dflt_value IS NULL) ORDER BY pk';
