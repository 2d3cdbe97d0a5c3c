import { FlowForgeError } from "./flowforge-error.js";
import type { QueryLimits, Row } from "./ports.js";

/** @throws FlowForgeError `RESULT_TOO_LARGE` */
export function checkResult(rows: readonly Row[], { rows: maxRows, bytes: maxBytes }: QueryLimits): void {
  if (rows.length > maxRows) throw tooLarge(`The result has more than ${maxRows} rows.`);
  let left = maxBytes;
  for (const row of rows) {
    for (const [column, value] of Object.entries(row)) {
      left -= column.length + (typeof value === "string" || value instanceof Uint8Array ? value.length : 8);
      if (left < 0) throw tooLarge(`The result has more than ${maxBytes} bytes.`);
    }
  }
}

export function tooLarge(message: string): FlowForgeError {
  return new FlowForgeError("RESULT_TOO_LARGE", message);
}

export function timedOut({ timeMs }: QueryLimits): FlowForgeError {
  return new FlowForgeError("QUERY_TIMEOUT", `The query took longer than ${timeMs} ms.`);
}

/** A number of JavaScript would be another one. */
export function beyondNumbers(column: string): FlowForgeError {
  const name = JSON.stringify(column);
  return new FlowForgeError(
    "QUERY_FAILED",
    `Column ${name} has a whole number beyond 2^53: select it as text, with CAST(... AS TEXT).`,
  );
}

export function queryFailed(cause: unknown): FlowForgeError {
  return new FlowForgeError("QUERY_FAILED", "The database refused the statement.", { cause });
}
