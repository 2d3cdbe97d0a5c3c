import type { SQLiteConnection } from "../../adapters/sqlite/drivers/driver.js";

/** A part of a table's definition that refuses a value, and what stands there while the value is stored. */
export interface LaxDefinition {
  readonly table: string;
  readonly definition: string;
  readonly lax: string;
}

/** Runs statements that the definition of a table refuses. It is as it was afterwards. */
export async function execLax(
  connection: SQLiteConnection,
  { table, definition, lax }: LaxDefinition,
  statements: string,
): Promise<void> {
  const change = (from: string, to: string): string => `PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, '${quoted(from)}', '${quoted(to)}') WHERE name = '${table}';
    PRAGMA writable_schema = RESET`;
  connection.setDefensive?.(false);
  await connection.exec(`${change(definition, lax)}; ${statements}; ${change(lax, definition)}`);
}

function quoted(text: string): string {
  return text.replaceAll("'", "''");
}
