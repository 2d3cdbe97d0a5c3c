import { type JsonObject, name, type SQLStatement, sql } from "async-streams";
import { columnOf, toSQL } from "./rows.js";
import type { Table } from "./tables.js";

export function insert(table: Table, data: JsonObject): SQLStatement {
  const fields = Object.keys(table.columns);
  const columns = fields.map((field) => sql`${name(columnOf(field))}`);
  const values = fields.map((field) => sql`${toSQL(table.columns[field], data[field])}`);
  return sql`INSERT INTO ${name(table.name)} (${joined(columns, ", ")}) VALUES (${joined(values, ", ")})`;
}

/** Inserts a row, or changes the one that has the same key; `kept` stays as it was. */
export function upsert(table: Table, data: JsonObject, key: readonly string[], kept: readonly string[]): SQLStatement {
  const keyColumns = key.map((field) => sql`${name(columnOf(field))}`);
  const changed = Object.keys(table.columns).filter((field) => !key.includes(field) && !kept.includes(field));
  const changes = changed.map((field) => sql`${name(columnOf(field))} = excluded.${name(columnOf(field))}`);
  return sql`${insert(table, data)} ON CONFLICT (${joined(keyColumns, ", ")}) DO UPDATE SET ${joined(changes, ", ")}`;
}

/** Changes fields of one row. */
export function update(table: Table, id: string, changes: JsonObject): SQLStatement {
  const assignments = Object.entries(changes).map(
    ([field, value]) => sql`${name(columnOf(field))} = ${toSQL(table.columns[field], value)}`,
  );
  return sql`UPDATE ${name(table.name)} SET ${joined(assignments, ", ")} WHERE id = ${id}`;
}

/** Rows of a table: undefined conditions are left out. */
export interface Selection {
  readonly where?: readonly (SQLStatement | undefined)[];
  readonly orderBy?: SQLStatement;
  readonly limit?: number | undefined;
}

export function select(table: Table, { where = [], orderBy, limit }: Selection): SQLStatement {
  const conditions = where.filter((condition) => condition !== undefined);
  const filter = conditions.length === 0 ? sql`` : sql` WHERE ${joined(conditions, " AND ")}`;
  const order = orderBy === undefined ? sql`` : sql` ORDER BY ${orderBy}`;
  const part = limit === undefined ? sql`` : sql` LIMIT ${limit}`;
  return sql`SELECT * FROM ${name(table.name)}${filter}${order}${part}`;
}

/** `column = value`. A value that a caller without types leaves out is that of no row. */
export function equals(column: string, value: string): SQLStatement {
  return sql`${name(column)} = ${value ?? null}`;
}

/** `column = value`, or undefined where no value is wanted. */
export function equalsIfGiven(column: string, value: string | undefined): SQLStatement | undefined {
  return value === undefined ? undefined : equals(column, value);
}

/** `column IN (...)`; there is at least one value. */
export function isOneOf(column: string, values: readonly string[]): SQLStatement {
  const list = values.map((value) => sql`${value}`);
  return sql`${name(column)} IN (${joined(list, ", ")})`;
}

export function isBetween(column: string, first: number, last: number): SQLStatement {
  return sql`${name(column)} BETWEEN ${first} AND ${last}`;
}

function joined(parts: readonly SQLStatement[], separator: ", " | " AND "): SQLStatement {
  return parts.reduce((all, part) => (separator === ", " ? sql`${all}, ${part}` : sql`${all} AND ${part}`));
}
