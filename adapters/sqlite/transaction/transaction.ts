import type { SQLiteConnection } from "../drivers/driver.js";

/** Takes the write lock at once, so that what is read next stays true until the commit. */
export const BEGIN = "BEGIN IMMEDIATE";
const COMMIT = "COMMIT";

/** Runs the task between BEGIN IMMEDIATE and COMMIT; when anything fails, nothing of it is left. */
export async function inTransaction<T>(connection: SQLiteConnection, task: () => Promise<T>): Promise<T> {
  await connection.run(BEGIN);
  try {
    const result = await task();
    await connection.run(COMMIT);
    return result;
  } catch (error) {
    await rollBack(connection);
    throw error;
  }
}

/** Undoes what an open transaction has done. */
export async function rollBack(connection: SQLiteConnection): Promise<void> {
  try {
    await connection.run("ROLLBACK");
  } catch {
    // After some errors SQLite has rolled back by itself; the error that led here is the one to report.
  }
}
