import type { SQLiteStreamFactory } from "async-streams";

/** A connection to the file of a document. */
export type Database = SQLiteStreamFactory;
