import type { ParsedClause, ParsedValue, StoredEvent } from "../../protocols/index.js";
import { compareValues } from "./compare-values.js";
import { compileLike } from "./like-pattern.js";

/**
 * Compiles a filter once for all the events that it is applied to. This is the meaning of filters, for every adapter.
 *
 * @param filter - clauses as `readPage` receives them, which is not the `EventFilter` that callers write.
 * @returns whether every clause holds for an event.
 *
 * @example
 * ```ts
 * const matches = compileFilter(query.filter ?? []);
 * const events = page.filter(matches);
 * ```
 */
export function compileFilter(filter: readonly ParsedClause[]): (event: StoredEvent) => boolean {
  const clauses = filter.map((clause) => ({ clause, holds: compileClause(clause) }));
  return (event) => clauses.every(({ clause, holds }) => holds(fieldOf(event, clause)));
}

/** Whether every clause of a filter holds for the event. For many events, {@link compileFilter} is faster. */
export function matchesFilter(event: StoredEvent, filter: readonly ParsedClause[]): boolean {
  return compileFilter(filter)(event);
}

function compileClause({ op, value }: ParsedClause): (actual: unknown) => boolean {
  switch (op) {
    case "in": {
      // As a set compares: by type and value, and 0 as -0.
      const values = new Set<unknown>(value as readonly ParsedValue[]);
      return (actual) => values.has(actual);
    }
    case "like": {
      const matches = compileLike(value as string);
      return (actual) => typeof actual === "string" && matches(actual);
    }
    case "prefix":
      return (actual) => typeof actual === "string" && actual.startsWith(value as string);
    default:
      return (actual) => {
        const order = compareValues(actual, value as ParsedValue);
        return order !== undefined && ORDER_HOLDS[op](order);
      };
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
