import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { isSupportedSQLite, MIN_SQLITE_VERSION } from "../drivers/sqlite-version.js";

/** @throws StorageError `STORAGE_DRIVER_UNSUPPORTED` when the driver's SQLite is too old */
export async function checkSQLiteVersion(connection: SQLiteConnection, path: string): Promise<void> {
  const [row] = await connection.all<{ version: string }>("SELECT sqlite_version() AS version");
  const { version } = row as { version: string };
  if (isSupportedSQLite(version)) return;
  const message =
    `Cannot open ${path}: the driver has SQLite ${version}, and the minimum is ${MIN_SQLITE_VERSION}, since earlier ` +
    "versions can corrupt a database that several connections write. Update the driver.";
  throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message);
}
