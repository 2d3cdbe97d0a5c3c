import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** Takes the write lock at once, so that what is read next stays true until the commit. */
export const BEGIN = "BEGIN IMMEDIATE";
const COMMIT = "COMMIT";

/**
 * Runs the task in a transaction; when anything fails, nothing of it is left.
 *
 * @param begin - the statement that begins it, with the write lock unless another is given
 */
export async function inTransaction<T>(
  connection: SQLiteConnection,
  task: () => Promise<T>,
  begin = BEGIN,
): Promise<T> {
  await connection.run(begin);
  try {
    const result = await task();
    await connection.run(COMMIT);
    return result;
  } catch (error) {
    await rollBack(connection);
    throw error;
  }
}

/**
 * Undoes what an open transaction has done.
 *
 * @throws StorageError `STORAGE_IO` when it may still be open: what is written next would be part of it, and be undone later
 */
export async function rollBack(connection: SQLiteConnection): Promise<void> {
  try {
    await connection.run("ROLLBACK");
  } catch (cause) {
    // After some errors SQLite has rolled back by itself; the error that led here is the one to report.
    if (cause instanceof Error && cause.message.includes("no transaction is active")) return;
    const message = "Cannot roll back a transaction. Dispose of the factory and open the store again.";
    throw new StorageError("STORAGE_IO", message, { cause });
  }
}
