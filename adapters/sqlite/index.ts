export type { SQLiteOptions } from "./sqlite-options.js";
export { openSQLiteBackend, sqliteStreamFactory } from "./sqlite-stream-factory.js";
