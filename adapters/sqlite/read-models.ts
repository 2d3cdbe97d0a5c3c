import type { TransactionalStreamFactory } from "../../protocols/index.js";
import type { ReadModelStore } from "../../src/projections/projection.js";
import type { SQLiteOptions } from "./sqlite-options.js";
import { sqliteStreamFactory } from "./sqlite-stream-factory.js";

/** Read models in a SQLite file of their own. */
export type SQLiteReadModels = ReadModelStore & Pick<TransactionalStreamFactory, "query"> & AsyncDisposable;

/**
 * Opens a SQLite file for read models, beside the event store: they can be deleted and made again, and their writes do not
 * wait for those of events.
 *
 * @param options - the driver, as for `sqliteStreamFactory`. A worker that may be terminated needs another one than `sqlite3`,
 * which aborts the whole process then.
 * @throws StorageError when the file cannot be opened.
 *
 * @example
 * ```ts
 * await using models = await sqliteReadModels("read-models.db");
 * await using runner = await runProjections(streams, [balances], { store: models });
 * ```
 */
export async function sqliteReadModels(
  path: string,
  options?: Pick<SQLiteOptions, "driver">,
): Promise<SQLiteReadModels> {
  // A store without events: it has the transactions and the records that checkpoints need.
  return sqliteStreamFactory(path, options);
}
