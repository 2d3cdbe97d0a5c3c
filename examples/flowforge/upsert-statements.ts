import { FlowForgeError, invalidArgument } from "./flowforge-error.js";
import { isPlainObject } from "./ipc/check-json.js";
import type { Row, UpsertArgs } from "./ports.js";
import { quoted } from "./table-name.js";

/** A value that both databases take. */
export type ColumnValue = string | number | boolean | null | Uint8Array;

/** A statement with its values, for placeholders `?`. */
export interface BoundStatement {
  readonly text: string;
  readonly values: readonly ColumnValue[];
}

/** @throws FlowForgeError `INVALID_ARGUMENT` */
export function checkRows(rows: unknown): void {
  if (Array.isArray(rows) && rows.every((row) => isPlainObject(row) && Object.keys(row).length > 0)) return;
  throw invalidArgument("rows must be an array of objects with columns.");
}

/**
 * Inserts rows, or changes those whose key is there: one statement for as many neighbours with the same columns as may be.
 *
 * @param required - the columns that must not be NULL, where the database looks at them before it looks for the key
 */
export function upsertStatements(
  { table, rows }: UpsertArgs,
  key: readonly string[],
  maxRows: number,
  required: readonly string[] = [],
): BoundStatement[] {
  if (key.length === 0) {
    throw new FlowForgeError("TABLE_NOT_ALLOWED", `The table ${table} is not there, or has no primary key.`);
  }
  return groups(rows, maxRows).map((group) => upsert(table, group, key, required));
}

function groups(rows: readonly Row[], maxRows: number): Row[][] {
  const all: Row[][] = [];
  let columns = "";
  for (const row of rows) {
    const own = Object.keys(row).join();
    const last = all.at(-1);
    if (last !== undefined && own === columns && last.length < maxRows) last.push(row);
    else all.push([row]);
    columns = own;
  }
  return all;
}

function upsert(
  table: string,
  rows: readonly Row[],
  key: readonly string[],
  required: readonly string[],
): BoundStatement {
  const columns = Object.keys(rows[0] ?? {});
  const hasKey = key.every((column) => columns.includes(column));
  // A row that is there has them. A new one gets NULL, and is refused.
  const filled = hasKey ? required.filter((column) => !columns.includes(column)) : [];
  const isRow = key.map((column) => `${quoted(column)} = ?`).join(" AND ");
  const found = filled.map((column) => `(SELECT ${quoted(column)} FROM ${quoted(table)} WHERE ${isRow})`);
  const changed = columns.filter((column) => !key.includes(column));
  const tuple = `(${[...columns.map(() => "?"), ...found].join(", ")})`;
  const update = changed.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(", ");
  const text =
    `INSERT INTO ${quoted(table)} (${[...columns, ...filled].map(quoted).join(", ")}) VALUES ${rows.map(() => tuple).join(", ")} ` +
    `ON CONFLICT (${key.map(quoted).join(", ")}) DO ${update === "" ? "NOTHING" : `UPDATE SET ${update}`}`;
  const bound = [...columns, ...filled.flatMap(() => key)];
  return { text, values: rows.flatMap((row) => bound.map((column) => columnValue(row[column]))) };
}

/** A value as a column takes it: an object as JSON text, a date as ISO 8601. */
export function columnValue(value: unknown): ColumnValue {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value === "bigint") return Number(value);
  return value as ColumnValue;
}
