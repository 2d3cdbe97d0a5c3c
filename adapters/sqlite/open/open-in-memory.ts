import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { updateIndexes } from "../indexes/update-indexes.js";
import type { SQLiteSettings } from "../sqlite-options.js";
import { Writer } from "../transaction/writer.js";
import { openFirst } from "./open-database.js";
import type { OpenedStore } from "./opened-store.js";
import { IN_MEMORY } from "./store-path.js";

/** Opens a database in memory. It has one connection: reads, checks and backups take their turn between the writes. */
export async function openInMemory(driver: SQLiteDriver, settings: SQLiteSettings): Promise<OpenedStore> {
  const connection = await openFirst(driver, IN_MEMORY, settings, "create");
  await updateIndexes(connection, [], settings);
  const writer = new Writer(connection, IN_MEMORY, [], undefined);
  return {
    writing: { connection, writer, checkpointer: undefined },
    reads: {
      prepare: async () => undefined,
      use: (task) => writer.lend(task),
      useForQuery: (task) => writer.lend((only) => withoutWriting(only, task)),
      close: async () => undefined,
    },
    files: undefined,
    acknowledgedFile: undefined,
    openReader: undefined,
    lend: (_, task) => task((step) => writer.lend(step)),
    prepareReads: async () => undefined,
    release: () => undefined,
  };
}

async function withoutWriting<T>(
  connection: SQLiteConnection,
  task: (connection: SQLiteConnection) => Promise<T>,
): Promise<T> {
  await connection.exec("PRAGMA query_only = ON");
  try {
    return await task(connection);
  } finally {
    await connection.exec("PRAGMA query_only = OFF");
  }
}
