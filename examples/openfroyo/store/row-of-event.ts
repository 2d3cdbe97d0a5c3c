import type { JsonObject } from "async-streams";
import { columnOf, type Row, toSQL } from "./rows.js";
import type { Table } from "./tables.js";

/** Whether a row has what an event says. It compares texts: what was changed by hand need not be readable. */
export function isRowOf({ columns }: Table, row: Row, data: JsonObject): boolean {
  return Object.entries(columns).every(([field, kind]) => {
    const value = row[columnOf(field)];
    return (typeof value === "bigint" ? Number(value) : value) === toSQL(kind, data[field]);
  });
}
