import { betterSqlite3Driver } from "../../adapters/sqlite/drivers/better-sqlite3-driver.js";
import type { SQLiteDriver } from "../../adapters/sqlite/drivers/driver.js";
import { sqlite3Driver } from "../../adapters/sqlite/drivers/sqlite3-driver.js";

export type DriverName = "sqlite3" | "better-sqlite3";

/** Every driver that stands behind the port, by the name that users choose it by. */
export const DRIVERS: Readonly<Record<DriverName, SQLiteDriver>> = {
  sqlite3: sqlite3Driver,
  "better-sqlite3": betterSqlite3Driver,
};

/** For `describe.each`. */
export const DRIVER_NAMES: readonly DriverName[] = ["sqlite3", "better-sqlite3"];
