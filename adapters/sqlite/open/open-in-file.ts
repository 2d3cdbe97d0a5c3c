import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { damageOf } from "../indexes/find-damage.js";
import { type IndexProgress, updateIndexes } from "../indexes/update-indexes.js";
import { forgetEarlierStore } from "../maintenance/acknowledged-position.js";
import { AcknowledgedPositionFile } from "../maintenance/acknowledged-position-file.js";
import { lendConnections } from "../maintenance/maintenance-session.js";
import { ReadPool } from "../read/read-pool.js";
import { retryWhileBusy } from "../retry-busy.js";
import { storageError } from "../sqlite-errors.js";
import type { SQLiteSettings } from "../sqlite-options.js";
import { WalCheckpointer } from "../transaction/wal-checkpointer.js";
import { Writer } from "../transaction/writer.js";
import { inspectSchema } from "./inspect-schema.js";
import { openFirst, openForReading, openForWriting } from "./open-database.js";
import { OpenFiles } from "./open-files.js";
import type { OpenedStore } from "./opened-store.js";
import { claimStoreFile, type StoreFile } from "./store-file.js";

/** Opens a database in a file for reading and writing. @param mode - whether a store is made where there is none */
export async function openInFile(
  driver: SQLiteDriver,
  location: string,
  settings: SQLiteSettings,
  mode: "create" | "existing",
): Promise<OpenedStore> {
  const file = await claimStoreFile(location, driver, mode);
  const { connection, writer, files } = await openWriterOrRelease(driver, location, settings, mode, file);
  const acknowledgedFile = new AcknowledgedPositionFile(files.path);
  if (file.isNew) await forgetEarlierStore(writer, acknowledgedFile).catch(() => undefined);
  const openReader = () => openForReading(driver, files, settings);
  const openWriter = () => openForWriting(driver, files, settings);
  const reads = new ReadPool(settings.readPoolSize, openReader);
  return {
    writing: { connection, writer, checkpointer: new WalCheckpointer(writer, files, openWriter) },
    reads,
    files,
    acknowledgedFile,
    openReader,
    lend: lendConnections((kind) => (kind === "existing" ? openWriter() : openReader())),
    prepareReads: () => reads.prepare(() => openForReading(driver, files, { ...settings, busyTimeoutMs: 0 })),
    release: () => {
      files.close();
      file.release();
    },
  };
}

/** The context of opening the first connection. */
interface FirstConnection {
  readonly connection: SQLiteConnection;
  readonly writer: Writer;
  readonly files: OpenFiles;
}

/** Opens the first connection, and releases the file where that fails. */
async function openWriterOrRelease(
  driver: SQLiteDriver,
  location: string,
  settings: SQLiteSettings,
  mode: "create" | "existing",
  file: StoreFile,
): Promise<FirstConnection> {
  try {
    const connection = await openFirst(driver, location, settings, mode);
    const { files, triggers } = await inspectOrClose(connection, location, settings, file);
    return { connection, files, writer: new Writer(connection, location, triggers, files) };
  } catch (error) {
    file.release();
    throw error;
  }
}

/** @returns the files that were opened, and the triggers that keep the store from being written */
async function inspectOrClose(
  connection: SQLiteConnection,
  location: string,
  settings: SQLiteSettings,
  file: StoreFile,
): Promise<{ readonly files: OpenFiles; readonly triggers: readonly string[] }> {
  let files: OpenFiles | undefined;
  // An error of the caller's own function is no failure of the store.
  let thrown: { readonly error: unknown } | undefined;
  const onProgress = (progress: IndexProgress): void => {
    try {
      settings.onProgress?.(progress);
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  const onUnindexed = async (error: unknown): Promise<never> => {
    throw thrown === undefined ? await damageOf(error, connection, location) : error;
  };
  try {
    files = new OpenFiles(location, file);
    const inspected = await retryWhileBusy(settings.busyTimeoutMs, () => inspectSchema(connection, location));
    const { triggers, indexes } = inspected;
    if (triggers.length === 0) await updateIndexes(connection, indexes, { ...settings, onProgress }).catch(onUnindexed);
    return { files, triggers };
  } catch (error) {
    files?.close();
    await connection.close();
    throw thrown === undefined ? storageError(error, "open the database", location) : thrown.error;
  }
}
