import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { AcknowledgedPositionFile } from "../maintenance/acknowledged-position-file.js";
import { lendConnections } from "../maintenance/maintenance-session.js";
import { ReadPool } from "../read/read-pool.js";
import { storageError } from "../sqlite-errors.js";
import type { SQLiteSettings } from "../sqlite-options.js";
import { openForReading, openReadOnly } from "./open-database.js";
import { OpenFiles } from "./open-files.js";
import type { OpenedStore } from "./opened-store.js";
import { claimStoreFile, type StoreFile } from "./store-file.js";

/**
 * Opens a database in a file for reading only. Every connection is opened so, and SQLite refuses each write. The log is
 * neither checkpointed nor removed: a connection that only reads cannot.
 */
export async function openReadOnlyStore(
  driver: SQLiteDriver,
  location: string,
  settings: SQLiteSettings,
): Promise<OpenedStore> {
  const file = await claimStoreFile(location, driver, "readonly");
  try {
    const { connection, files } = await openConnection(driver, location, settings, file);
    const openReader = () => openForReading(driver, files, settings);
    const reads = new ReadPool(settings.readPoolSize, openReader);
    await reads.prepare(async () => connection);
    return {
      writing: undefined,
      reads,
      files,
      acknowledgedFile: new AcknowledgedPositionFile(files.path),
      openReader,
      lend: lendConnections(openReader),
      prepareReads: async () => undefined,
      release: () => {
        files.close();
        file.release();
      },
    };
  } catch (error) {
    file.release();
    throw error;
  }
}

async function openConnection(
  driver: SQLiteDriver,
  location: string,
  settings: SQLiteSettings,
  file: StoreFile,
): Promise<{ readonly connection: SQLiteConnection; readonly files: OpenFiles }> {
  const connection = await openReadOnly(driver, location, settings);
  try {
    // The log may come and go with those who write.
    return { connection, files: new OpenFiles(location, file, "database only") };
  } catch (error) {
    await connection.close();
    throw storageError(error, "open the database", location);
  }
}
