import type { SQL } from "../../protocols/index.js";
import { MAX_TABLE_LOCK_WAIT_MS } from "../limits.js";
import { name, rawSQL, sql } from "../transaction/sql-statement.js";
import { type Build, tableName } from "./projection-records.js";

/**
 * Lets the transaction fail with `STORAGE_LOCKED` rather than wait for readers. Those of SQLite hold up no change.
 *
 * @returns whether it may fail so
 */
export async function limitLockWait(tx: SQL): Promise<boolean> {
  if (tx.dialect !== "postgresql") return false;
  await tx.all(sql`SELECT set_config('lock_timeout', ${String(MAX_TABLE_LOCK_WAIT_MS)}, true)`);
  return true;
}

/**
 * Shows the tables of a build under their plain names, in place of those of another.
 *
 * @throws StorageError `STORAGE_FAILED` when the application has something of that name;
 *   `STORAGE_LOCKED` when somebody reads what was shown before
 */
export async function showTables(
  tx: SQL,
  shown: Pick<Build, "version" | "generation">,
  tables: readonly string[],
  before: readonly string[],
): Promise<void> {
  const isPostgres = before.length > 0 && tx.dialect === "postgresql";
  if (isPostgres) await limitLockWait(tx);
  const kept = new Set<string>();
  for (const table of before) {
    if (isPostgres && tables.includes(table) && (await hasColumnsOf(tx, tableName(table, shown), table)))
      kept.add(table);
    else await tx.run(sql`DROP VIEW IF EXISTS ${name(table)}`);
  }
  for (const table of tables) {
    const create = kept.has(table) ? sql`CREATE OR REPLACE VIEW` : sql`CREATE VIEW`;
    await tx.run(sql`${create} ${name(table)} AS SELECT * FROM ${name(tableName(table, shown))}`);
  }
}

/** Whether PostgreSQL can put a table into a view, which keeps its grants and what depends on it: new columns come last. */
async function hasColumnsOf(tx: SQL, table: string, view: string): Promise<boolean> {
  const columns = "attnum, attname, atttypid, atttypmod, attcollation";
  const of = (relation: string) => sql`
    SELECT ${rawSQL(columns)} FROM pg_attribute
    WHERE attrelid = to_regclass(${`"${relation}"`}) AND attnum > 0 AND NOT attisdropped`;
  const missing = await tx.all(sql`(${of(view)}) EXCEPT (${of(table)})`);
  return missing.length === 0;
}

export async function dropTables(
  tx: SQL,
  build: Pick<Build, "version" | "generation">,
  tables: readonly string[],
): Promise<void> {
  for (const table of tables) await tx.run(sql`DROP TABLE IF EXISTS ${name(tableName(table, build))}`);
}
