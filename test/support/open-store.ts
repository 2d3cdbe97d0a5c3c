import type { SQLiteDriver } from "../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, type SQLiteOptions } from "../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

/** Opens a store over a driver of the test's own. */
export async function openStoreOver(driver: SQLiteDriver, path: string, options: SQLiteOptions = {}) {
  return createStreamFactory(await openSQLiteBackend(path, options, driver));
}
