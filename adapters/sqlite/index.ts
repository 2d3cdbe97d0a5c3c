export type { IndexField } from "./indexes/field-index.js";
export type { IndexProgress } from "./indexes/update-indexes.js";
export type { SQLiteOptions } from "./sqlite-options.js";
export { openSQLiteBackend, type SQLiteStreamFactory, sqliteStreamFactory } from "./sqlite-stream-factory.js";
