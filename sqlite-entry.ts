/**
 * Stores in SQLite files, as `async-streams` exports them, too.
 *
 * @packageDocumentation
 */
export {
  type IndexField,
  type IndexProgress,
  type SQLiteOptions,
  type SQLiteStreamFactory,
  sqliteStreamFactory,
} from "./adapters/sqlite/index.js";
