import type { JsonObject, JsonValue, SQLValue } from "async-streams";
import type { ColumnKind, Table } from "./tables.js";

export type Row = Readonly<Record<string, SQLValue>>;

/** `planPath` is the column `plan_path`. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A record as an event has it: times are text, and absent fields and times are left out. */
export function toData(table: Table, record: object): JsonObject {
  const data: Record<string, JsonValue> = {};
  for (const [field, kind] of Object.entries(table.columns)) {
    const value: unknown = Reflect.get(record, field);
    if (value === undefined || (kind === "time" && value === null)) continue;
    data[field] = kind === "time" ? timeText(field, value) : (value as JsonValue);
  }
  return data;
}

function timeText(field: string, value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  throw new TypeError(`${field} must be a Date, got ${JSON.stringify(value)}`);
}

/** The value of a column; an absent field is NULL. */
export function toSQL(kind: ColumnKind | undefined, value: JsonValue | undefined): SQLValue {
  if (value === undefined) return null;
  return kind === "json" ? JSON.stringify(value) : (value as SQLValue);
}

/** The record of a row; what is NULL is left out. */
export function toRecord<T>(table: Table, row: Row): T {
  const record: Record<string, unknown> = {};
  for (const [field, kind] of Object.entries(table.columns)) {
    const value = row[columnOf(field)];
    if (kind === "position" || value === null || value === undefined) continue;
    record[field] = kind === "json" ? JSON.parse(String(value)) : kind === "time" ? new Date(String(value)) : value;
  }
  return record as T;
}
