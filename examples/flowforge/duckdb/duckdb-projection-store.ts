import type { ProjectionStorePort, QueryArgs, Row, UpsertArgs } from "../ports.js";
import { checkWritable } from "../schema/derived-tables.js";
import { quoted } from "../table-name.js";
import { checkRows, upsertStatements } from "../upsert-statements.js";
import type { DuckDBSession } from "./duckdb-session.js";

/** DuckDB refuses a statement that changes a row twice, so each row has one of its own. */
const UPSERTED_ROWS = 1;

const PRIMARY_KEY = `
  SELECT unnest(constraint_column_names) AS name FROM duckdb_constraints()
  WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'`;

export class DuckDBProjectionStore implements ProjectionStorePort {
  readonly #session: DuckDBSession;

  constructor(session: DuckDBSession) {
    this.#session = session;
  }

  query({ sql, params }: QueryArgs): Promise<Row[]> {
    return this.#session.query(sql, params);
  }

  async upsert({ table, rows }: UpsertArgs): Promise<void> {
    checkWritable(table);
    checkRows(rows);
    if (rows.length === 0) return;
    await this.#session.transaction(async () => {
      const key = await this.#session.all<{ name: string }>(PRIMARY_KEY, [table]);
      const names = key.map(({ name }) => name);
      for (const { text, values } of upsertStatements({ table, rows }, names, UPSERTED_ROWS)) {
        await this.#session.all(text, values);
      }
    });
  }

  async truncate({ table }: { readonly table: string }): Promise<void> {
    checkWritable(table);
    await this.#session.all(`DELETE FROM ${quoted(table)}`);
  }
}
