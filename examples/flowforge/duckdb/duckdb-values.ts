import type { Row } from "../ports.js";
import { beyondNumbers } from "../query-result.js";
import { columnValue } from "../upsert-statements.js";
import type { DuckDBApi } from "./duckdb-api.js";

/** A value to be bound. */
export function boundValue({ blobValue }: DuckDBApi, value: unknown): unknown {
  const bound = columnValue(value);
  return bound instanceof Uint8Array ? blobValue(bound) : bound;
}

/** A row as the ports give it: whole numbers are numbers, as in SQLite. @throws FlowForgeError where one would be rounded */
export function rowOf(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, numberOf(column, value)]));
}

function numberOf(column: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw beyondNumbers(column);
  return number;
}
