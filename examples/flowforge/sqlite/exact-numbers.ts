import type { Row } from "../ports.js";
import { beyondNumbers } from "../query-result.js";

/**
 * Rows whose numbers are those of the database. The driver rounds whole numbers of 64 bits, and does not say which numbers were
 * whole; larger ones never are in SQLite.
 *
 * @throws FlowForgeError `QUERY_FAILED`
 */
export function withExactNumbers(rows: Row[]): Row[] {
  for (const row of rows) {
    for (const [column, value] of Object.entries(row)) {
      if (typeof value !== "number" || Number.isSafeInteger(value)) continue;
      if (Number.isInteger(value) && Math.abs(value) <= 2 ** 63) throw beyondNumbers(column);
    }
  }
  return rows;
}
