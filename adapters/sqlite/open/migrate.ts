import type { SQLiteConnection } from "../drivers/driver.js";
import { BEGIN, inTransaction } from "../transaction/transaction.js";
import { checkIdentity, refusal } from "./inspect-file.js";
import { EVENT_STORE, type FileFormat } from "./schema.js";

interface Identity {
  readonly applicationId: number;
  readonly schemaVersion: number;
  readonly tables: number;
}

const IDENTITY = `
  SELECT (SELECT application_id FROM pragma_application_id) AS applicationId,
         (SELECT user_version FROM pragma_user_version) AS schemaVersion,
         (SELECT count(*) FROM sqlite_schema) AS tables`;

/**
 * Brings a database to the newest schema, in one transaction: all steps that it has not seen, or none.
 *
 * @throws StorageError when the database is another program's, or a newer version of this library wrote it.
 */
export async function migrate(
  connection: SQLiteConnection,
  path: string,
  format: FileFormat = EVENT_STORE,
): Promise<void> {
  if (!(await needsMigration(connection, path, format))) return;
  const isEmpty = (await readIdentity(connection)).tables === 0;
  const work = async (): Promise<void> => {
    // It takes the write lock. SQLite takes it before the first page is made, and not later.
    if (isEmpty) await connection.exec("PRAGMA auto_vacuum = INCREMENTAL");
    // Another process may have done it while this one waited for the lock.
    if (!(await needsMigration(connection, path, format))) return;
    const { schemaVersion } = await readIdentity(connection);
    const { applicationId, steps } = format;
    await connection.exec(steps.slice(schemaVersion).join("\n"));
    await connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}`);
  };
  await inTransaction(connection, work, isEmpty ? "BEGIN" : BEGIN);
}

/**
 * Checks a database that may not be written, and so cannot be brought up to date.
 *
 * @throws StorageError `STORAGE_READ_ONLY` when an earlier version of this library wrote it
 */
export async function assertUpToDate(
  connection: SQLiteConnection,
  path: string,
  format: FileFormat = EVENT_STORE,
): Promise<void> {
  if (!(await needsMigration(connection, path, format))) return;
  const reason = 'its schema is of an earlier version; open it once with mode: "existing", which brings it up to date';
  throw refusal("STORAGE_READ_ONLY", path, reason);
}

/**
 * Checks that a database is empty, or of a format, before anything of it is changed.
 *
 * @throws StorageError when it is of another one, or of a newer version of this library
 */
export async function checkFormat(connection: SQLiteConnection, path: string, format: FileFormat): Promise<void> {
  await needsMigration(connection, path, format);
}

async function needsMigration(connection: SQLiteConnection, path: string, format: FileFormat): Promise<boolean> {
  const { applicationId, schemaVersion, tables } = await readIdentity(connection);
  if (applicationId === 0 && schemaVersion === 0 && tables === 0) return true;
  checkIdentity(path, applicationId, schemaVersion, format);
  return schemaVersion < format.steps.length;
}

async function readIdentity(connection: SQLiteConnection): Promise<Identity> {
  const [identity] = await connection.all<Identity>(IDENTITY);
  return identity as Identity;
}
