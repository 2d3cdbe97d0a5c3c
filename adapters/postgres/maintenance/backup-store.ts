import { StorageError } from "../../../protocols/index.js";

/** @throws StorageError `STORAGE_UNSUPPORTED` */
export async function backupStore(location: string): Promise<never> {
  const message =
    `Cannot back up the store ${location}: a store in PostgreSQL is not copied to a file. Nothing was written. Use pg_dump, ` +
    "or the physical backups of the server.";
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}
