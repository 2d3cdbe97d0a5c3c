import type { BackupOptions, BackupReport } from "../../../../protocols/index.js";
import type { SQLiteDriver } from "../../drivers/driver.js";
import { partialPath } from "../../open/partial-copy.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import { checkTarget, removeDatabase } from "./backup-file.js";
import { backupStore } from "./backup-store.js";

/**
 * Copies a store that was opened to be read only.
 *
 * Such a connection cannot attach the file that `backupStore` writes to. It can have SQLite copy the whole database, as
 * it is at one moment, and that copy is then backed up as any store. It takes the room of two copies for a while.
 */
export async function backupReadOnlyStore(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  target: string,
  options: BackupOptions,
): Promise<BackupReport> {
  await checkTarget(target);
  const whole = partialPath(target);
  try {
    await session.step(async (connection) => {
      // It counts the copy as a change. The database itself SQLite does not change through this connection all the same.
      await connection.exec("PRAGMA query_only = OFF");
      await connection.run("VACUUM INTO ?1", [whole]);
    });
    const connection = await driver.open(whole, "existing");
    try {
      return await backupStore(session.over(connection), driver, target, options);
    } finally {
      await connection.close();
    }
  } finally {
    await removeDatabase(whole);
  }
}
