import {
  type EventFilter,
  type FilterClause,
  InvalidFilterError,
  type ParsedClause,
  type ParsedValue,
} from "../../protocols/index.js";
import { describeValue } from "../validate/json-text.js";

const OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">=", "in", "like", "prefix"]);
const PLAIN_FIELDS: ReadonlySet<string> = new Set(["type", "streamId", "version", "position", "timestamp"]);

/**
 * Checks a filter and copies it, so that later changes to it have no effect.
 *
 * @throws InvalidFilterError which names the clause.
 */
export function parseFilter(filter: EventFilter): readonly ParsedClause[] {
  if (!Array.isArray(filter)) {
    throw new InvalidFilterError(
      -1,
      `A filter is a list of clauses { field, op, value }, got ${describeValue(filter)}.`,
    );
  }
  return filter.map(parseClause);
}

function parseClause(clause: unknown, index: number): ParsedClause {
  if (typeof clause !== "object" || clause === null) {
    throw invalid(index, `expected { field, op, value }, got ${describeValue(clause)}`);
  }
  const { field: name, op, value } = clause as FilterClause;
  if (typeof op !== "string" || !OPERATORS.has(op)) {
    throw invalid(index, `unknown operator ${describeValue(op)}; use one of ${[...OPERATORS].join(" ")}`);
  }
  const { field, path } = parseField(name, index);
  return { field, path, op, value: parseOperand(field, op, value, index) };
}

function parseField(name: unknown, index: number): Pick<ParsedClause, "field" | "path"> {
  if (typeof name === "string") {
    if (PLAIN_FIELDS.has(name)) return { field: name as ParsedClause["field"], path: [] };
    const [field, ...path] = name.split(".");
    if ((field === "metadata" || field === "data") && path.length > 0 && !path.includes("")) return { field, path };
  }
  const known = [...PLAIN_FIELDS, "metadata.<path>", "data.<path>"].join(", ");
  throw invalid(index, `unknown field ${describeValue(name)}; use one of ${known}`);
}

function parseOperand(
  field: ParsedClause["field"],
  op: FilterClause["op"],
  value: unknown,
  index: number,
): ParsedClause["value"] {
  if (op === "like" || op === "prefix") {
    if (typeof value === "string" && value.isWellFormed()) return value;
    throw invalid(index, `"${op}" takes a string without lone surrogates, got ${describeValue(value)}`);
  }
  if (op !== "in") return parseValue(field, value, index);
  if (!Array.isArray(value)) throw invalid(index, `"in" takes a list of values, got ${describeValue(value)}`);
  return value.map((item) => parseValue(field, item, index));
}

function parseValue(field: ParsedClause["field"], value: unknown, index: number): ParsedValue {
  if (field === "timestamp") return parseTime(value, index);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string" && value.isWellFormed()) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalid(index, `a value is a string, a finite number, a boolean or null, got ${describeValue(value)}`);
}

const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function parseTime(value: unknown, index: number): number {
  const isTime = value instanceof Date || (typeof value === "string" && ISO_TIME.test(value));
  const timeMs = isTime ? new Date(value).getTime() : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw invalid(index, `"timestamp" is compared with a Date or an ISO 8601 string, got ${describeValue(value)}`);
}

function invalid(index: number, reason: string): InvalidFilterError {
  return new InvalidFilterError(index, `Clause ${index} of the filter: ${reason}.`);
}
