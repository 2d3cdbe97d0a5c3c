import type { SQLiteDriver } from "../../drivers/driver.js";

/**
 * Writes a copy anew after something was removed from it: what SQLite has deleted is still on its pages in parts, even with
 * `secure_delete`, which does not clear the pages that rows were moved away from.
 */
export async function rewriteCopy(driver: SQLiteDriver, path: string, target: string): Promise<void> {
  const connection = await driver.open(path, "existing");
  try {
    await connection.run("VACUUM INTO ?1", [target]);
  } finally {
    await connection.close();
  }
}
