import type { SQL } from "../../protocols/index.js";
import { name, sql } from "../transaction/sql-statement.js";
import { type Build, tableName } from "./projection-records.js";

/**
 * Shows the tables of a build under their plain names, in place of those of another.
 *
 * @throws StorageError `STORAGE_FAILED` when the application or another projection has something of that name
 */
export async function showTables(
  tx: SQL,
  shown: Pick<Build, "version" | "generation">,
  tables: readonly string[],
  before: readonly string[],
): Promise<void> {
  for (const table of before) await tx.run(sql`DROP VIEW IF EXISTS ${name(table)}`);
  for (const table of tables) {
    await tx.run(sql`CREATE VIEW ${name(table)} AS SELECT * FROM ${name(tableName(table, shown))}`);
  }
}

export async function dropTables(
  tx: SQL,
  build: Pick<Build, "version" | "generation">,
  tables: readonly string[],
): Promise<void> {
  for (const table of tables) await tx.run(sql`DROP TABLE IF EXISTS ${name(tableName(table, build))}`);
}
