import { inspect } from "node:util";
import type { JsonObject, JsonValue, SQLValue } from "async-streams";
import type { ColumnKind, Table } from "./tables.js";

export type Row = Readonly<Record<string, SQLValue>>;

/** An entry of an index has at most 2,704 bytes in PostgreSQL, and the largest one has three texts. */
const MAX_KEY_BYTES = 800;

/** `planPath` is the column `plan_path`. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Times beyond these have more digits as text, and would not be sorted as the times that they are. */
const FIRST_TIME_MS = Date.parse("0000-01-01T00:00:00.000Z");
const LAST_TIME_MS = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * A record as an event has it: times are text, and absent fields and times are left out.
 *
 * @throws TypeError when a field is not what its column keeps
 */
export function toData(table: Table, record: object): JsonObject {
  const data: Record<string, JsonValue> = {};
  for (const [field, kind] of Object.entries(table.columns)) {
    const value: unknown = Reflect.get(record, field);
    if (value === undefined || (kind === "time" && value === null)) continue;
    data[field] = kind === "time" ? timeText(field, value) : plainValue(field, kind, value);
  }
  return data;
}

/** @throws TypeError when it is no time that is kept */
export function timeText(field: string, value: unknown): string {
  if (!(value instanceof Date)) throw new TypeError(`${field} must be a Date, got ${inspect(value)}`);
  const isKept = value.getTime() >= FIRST_TIME_MS && value.getTime() <= LAST_TIME_MS;
  if (!isKept) throw new TypeError(`${field} must be a time of the years 0 to 9999, got ${value}`);
  return value.toISOString();
}

/** @throws TypeError when the value is not what its column keeps: the row would not be what the event says */
export function plainValue(field: string, kind: ColumnKind, value: unknown): JsonValue {
  if (kind === "text" || kind === "key") checkText(field, kind, value);
  const isWhole = Number.isSafeInteger(value);
  if (kind === "number" && !isWhole) throw new TypeError(`${field} must be a whole number, got ${inspect(value)}`);
  return value as JsonValue;
}

/** What PostgreSQL does not keep is refused by both profiles: either goes on from the backup of the other. */
function checkText(field: string, kind: "text" | "key", value: unknown): void {
  if (value === null) return;
  if (typeof value !== "string") throw new TypeError(`${field} must be a text, got ${inspect(value)}`);
  if (value.includes("\0")) throw new TypeError(`${field} must be a text without NUL characters`);
  // An empty id is that of nothing: a line of the log that has one would belong to no run.
  if (kind === "key" && value === "") throw new RangeError(`${field} must not be empty`);
  const bytes = kind === "key" ? Buffer.byteLength(value) : 0;
  if (bytes > MAX_KEY_BYTES) throw new RangeError(`${field} must have at most ${MAX_KEY_BYTES} bytes, got ${bytes}`);
}

/**
 * For what has no event, which would refuse it.
 *
 * @throws TypeError when something of the value would come back as something else
 */
export function checkJson(field: string, value: unknown): void {
  JSON.stringify({ [field]: value }, function (this: Readonly<Record<string, unknown>>, key, replaced) {
    const part = this[key];
    if (!isJson(part)) throw new TypeError(`${field} must be JSON, got ${inspect(part)}`);
    return replaced;
  });
}

function isJson(value: unknown): boolean {
  if (value === null || Array.isArray(value)) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "object") return [Object.prototype, null].includes(Object.getPrototypeOf(value));
  return typeof value === "string" || typeof value === "boolean";
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
