import { FlowForgeError } from "../flowforge-error.js";
import type { Event } from "../ports.js";
import { quoted } from "../table-name.js";
import { type ColumnValue, columnValue } from "../upsert-statements.js";

/** A table that is a function of the events. */
export interface DerivedTable {
  readonly name: string;
  /** The definitions of its columns, `id` among them. */
  readonly columns: string;
  /** The type of event that sets a row. */
  readonly setBy: string;
  /** The type of event that removes one: its payload has the id. */
  readonly removedBy: string;
  /** The row that the payload of an event sets. */
  row(payload: Event["payload"], createdAt: string): Readonly<Record<string, ColumnValue>>;
}

/** Named data with its place and schema. */
const DATASETS: DerivedTable = {
  name: "datasets",
  columns:
    "id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, location_uri TEXT, format TEXT, schema_id TEXT, stats_json TEXT, created_at TEXT",
  setBy: "DatasetPublished",
  removedBy: "DatasetRemoved",
  row: ({ id, name, locationUri, format, schemaId, stats }, createdAt) => ({
    id: columnValue(id),
    name: columnValue(name),
    location_uri: columnValue(locationUri),
    format: columnValue(format),
    schema_id: columnValue(schemaId),
    stats_json: columnValue(stats),
    created_at: createdAt,
  }),
};

/** Definitions of joins between two of them. */
const JOINS: DerivedTable = {
  name: "joins",
  columns:
    "id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, left_dataset_id TEXT NOT NULL, right_dataset_id TEXT NOT NULL, " +
    "join_type TEXT NOT NULL, on_expr TEXT NOT NULL, created_at TEXT",
  setBy: "JoinDefined",
  removedBy: "JoinRemoved",
  row: ({ id, name, leftDatasetId, rightDatasetId, joinType, onExpr }, createdAt) => ({
    id: columnValue(id),
    name: columnValue(name),
    left_dataset_id: columnValue(leftDatasetId),
    right_dataset_id: columnValue(rightDatasetId),
    join_type: columnValue(joinType),
    on_expr: columnValue(onExpr),
    created_at: createdAt,
  }),
};

export const DERIVED_TABLES: readonly DerivedTable[] = [DATASETS, JOINS];

const DERIVED_FROM_EVENTS: ReadonlySet<string> = new Set([
  "events",
  "snapshots",
  ...DERIVED_TABLES.map(({ name }) => name),
]);

/** Tables of the store and of the database itself. */
const OF_THE_STORE = /^(?:es|async_streams|sqlite|duckdb)_/i;
/** In SQLite a derived table is a view of a table with its version behind the name. */
const VERSION = /__\d+$/;

/** @throws FlowForgeError when it is no name of a table, or its rows follow from the events or are the store's */
export function checkWritable(table: string): void {
  quoted(table);
  if (OF_THE_STORE.test(table)) {
    throw new FlowForgeError("TABLE_NOT_ALLOWED", `The table ${table} belongs to the store.`);
  }
  if (!DERIVED_FROM_EVENTS.has(table.toLowerCase().replace(VERSION, ""))) return;
  throw new FlowForgeError("TABLE_NOT_ALLOWED", `The table ${table} follows from the events: append one instead.`);
}
