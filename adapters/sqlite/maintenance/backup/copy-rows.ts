import { StorageError } from "../../../../protocols/index.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import type { MaintenanceSession } from "../maintenance-session.js";

/** About how long a statement is to take: with a driver that runs on the main thread, the event loop waits for it. */
const STATEMENT_MS = 20;
const FIRST_ROWS = 64;
const MIN_ROWS = 16;
const MAX_ROWS = 65_536;

/**
 * Copies the rows of a table with their rowids, in the read transaction that the connection is in. Values never leave
 * SQLite.
 *
 * A table without rowids, or whose columns have all three names of the rowid, is copied by one statement.
 *
 * @returns how many rows there are
 */
export async function copyRows(
  session: MaintenanceSession,
  connection: SQLiteConnection,
  table: string,
): Promise<number> {
  const columns = await readColumns(connection, table);
  if (columns.length === 0) throw missing(table);
  const rowid = await rowidName(connection, table, columns);
  const names = columns.filter(({ isStored }) => isStored).map(({ name }) => quoted(name));
  const list = [...(rowid === undefined ? [] : [rowid]), ...names].join(", ");
  const insert = `INSERT INTO backup.${quoted(table)} (${list}) SELECT ${list} FROM main.${quoted(table)}`;
  if (rowid === undefined) return (await connection.run(insert)).changes;

  // Rowids may be larger than JavaScript's exact numbers, and are passed as text.
  const lastSQL = `SELECT CAST(max(${rowid}) AS TEXT) AS last FROM backup.${quoted(table)}`;
  let copied = 0;
  let after: string | null = null;
  for (let rows = FIRST_ROWS; ; ) {
    session.assertWanted();
    const where = after === null ? "WHERE ?1 IS NULL" : `WHERE ${rowid} > CAST(?1 AS INTEGER)`;
    const startedMs = performance.now();
    const { changes } = await connection.run(`${insert} ${where} ORDER BY ${rowid} LIMIT ?2 + 0`, [after, rows]);
    copied += changes;
    if (changes < rows) return copied;
    const [row] = await connection.all<{ last: string }>(lastSQL);
    after = (row as { last: string }).last;
    const factor = STATEMENT_MS / (performance.now() - startedMs);
    rows = Math.round(Math.min(MAX_ROWS, Math.max(MIN_ROWS, rows * Math.min(4, Math.max(0.25, factor)))));
  }
}

function missing(table: string): StorageError {
  const message = `Cannot back up the table ${table}: it is not there. The database is damaged; verify() lists what is.`;
  return new StorageError("STORAGE_CORRUPT", message);
}

interface Column {
  readonly name: string;
  /** Whether it has a value of its own: not in a generated column. */
  readonly isStored: boolean;
}

async function readColumns(connection: SQLiteConnection, table: string): Promise<readonly Column[]> {
  const sql = "SELECT name, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";
  const rows = await connection.all<{ name: string; hidden: number }>(sql, [table]);
  return rows.map(({ name, hidden }) => ({ name, isStored: hidden === 0 }));
}

const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** The name by which a table's rowid can be asked for, if it has one. */
async function rowidName(
  connection: SQLiteConnection,
  table: string,
  columns: readonly Column[],
): Promise<string | undefined> {
  const sql = "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 AND wr = 0";
  if ((await connection.all(sql, [table])).length === 0) return undefined;
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  return ROWID_NAMES.find((name) => !taken.has(name));
}

/** A name in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
