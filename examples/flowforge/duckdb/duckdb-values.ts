import type { Row } from "../ports.js";
import { columnValue } from "../upsert-statements.js";
import type { DuckDBApi } from "./duckdb-api.js";

/** A value to be bound. */
export function boundValue({ blobValue }: DuckDBApi, value: unknown): unknown {
  const bound = columnValue(value);
  return bound instanceof Uint8Array ? blobValue(bound) : bound;
}

/** A row as the ports give it: whole numbers are numbers, as in SQLite. */
export function rowOf(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, typeof value === "bigint" ? Number(value) : value]),
  );
}
