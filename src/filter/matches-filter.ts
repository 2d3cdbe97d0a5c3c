import type { ParsedClause, ParsedValue, StoredEvent } from "../../protocols/index.js";
import { compareValues } from "./compare-values.js";
import { matchesLike, parseLikePattern } from "./like-pattern.js";

/**
 * Whether every clause of the filter holds for the event. This is the meaning of filters, for every adapter.
 *
 * @param filter - clauses as `readPage` receives them, which is not the `EventFilter` that callers write.
 */
export function matchesFilter(event: StoredEvent, filter: readonly ParsedClause[]): boolean {
  return filter.every((clause) => matchesClause(fieldOf(event, clause), clause));
}

function matchesClause(actual: unknown, { op, value }: ParsedClause): boolean {
  switch (op) {
    case "in":
      return (value as readonly ParsedValue[]).some((item) => compareValues(actual, item) === 0);
    case "like":
      return typeof actual === "string" && matchesLike(actual, parseLikePattern(value as string));
    case "prefix":
      return typeof actual === "string" && actual.startsWith(value as string);
    default: {
      const order = compareValues(actual, value as ParsedValue);
      return order !== undefined && ORDER_HOLDS[op](order);
    }
  }
}

const ORDER_HOLDS = {
  "=": (order: number) => order === 0,
  "!=": (order: number) => order !== 0,
  "<": (order: number) => order < 0,
  "<=": (order: number) => order <= 0,
  ">": (order: number) => order > 0,
  ">=": (order: number) => order >= 0,
};

/** The field's value, or undefined where it is not there. */
function fieldOf(event: StoredEvent, { field, path }: ParsedClause): unknown {
  if (field === "timestamp") return event.timestamp.getTime();
  let value: unknown = event[field];
  for (const key of path) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject || value instanceof Uint8Array || !Object.hasOwn(value as object, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
