import { StorageError } from "../../../protocols/index.js";
import { betterSqlite3Driver } from "./better-sqlite3-driver.js";
import type { SQLiteDriver } from "./driver.js";
import { NODES_WITH_SQLITE, nodeSqliteDriver, nodeSqliteProblem } from "./node-sqlite-driver.js";
import { isSqlite3Missing, sqlite3Driver } from "./sqlite3-driver.js";

/** The drivers, by the name that they are chosen by. */
export const DRIVERS = {
  sqlite3: sqlite3Driver,
  "better-sqlite3": betterSqlite3Driver,
  "node:sqlite": nodeSqliteDriver,
} as const satisfies Readonly<Record<string, SQLiteDriver>>;

export type DriverName = keyof typeof DRIVERS;

/**
 * The driver of that name. Without a name it is `sqlite3`, and where that is not installed, `node:sqlite`.
 *
 * @throws StorageError `STORAGE_DRIVER_UNSUPPORTED` where neither is there
 */
export async function chooseDriver(name: DriverName | undefined): Promise<SQLiteDriver> {
  if (name !== undefined) return DRIVERS[name];
  if (!(await isSqlite3Missing())) return sqlite3Driver;
  const problem = nodeSqliteProblem();
  if (problem === null) return nodeSqliteDriver;
  const message =
    'Cannot open a SQLite store: the driver "sqlite3" is not installed, and the driver "node:sqlite" cannot be used ' +
    `with Node ${process.versions.node}: ${problem}. Install one (npm install sqlite3 sqlite), or use ${NODES_WITH_SQLITE}.`;
  throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message);
}
