import {
  type EventFilter,
  type FilterClause,
  InvalidFilterError,
  type ParsedClause,
  type ParsedValue,
} from "../../protocols/index.js";
import { MAX_FILTER_CLAUSES, MAX_FILTER_LENGTH, MAX_FILTER_PATTERN_LENGTH, MAX_FILTER_VALUES } from "../limits.js";
import { describeValue } from "../validate/json-text.js";
import { checkLength, invalidClause } from "./invalid-clause.js";
import { parseField } from "./parse-field.js";

const OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">=", "in", "like", "prefix"]);

/**
 * Checks a filter and copies it, so that later changes to it have no effect.
 *
 * @throws InvalidFilterError which names the clause.
 */
export function parseFilter(filter: EventFilter): readonly ParsedClause[] {
  if (!Array.isArray(filter)) {
    throw invalidFilter(`A filter is a list of clauses { field, op, value }, got ${describeValue(filter)}.`);
  }
  if (filter.length > MAX_FILTER_CLAUSES) {
    const advice = 'Replace clauses by one with "in" where you can, and filter further in your own code';
    throw invalidFilter(`A filter has at most ${MAX_FILTER_CLAUSES} clauses, got ${filter.length}. ${advice}.`);
  }
  // Not map, which leaves out the holes of a list.
  const clauses = Array.from(filter, parseClause);
  const length = clauses.reduce((sum, clause) => sum + lengthOf(clause), 0);
  if (length <= MAX_FILTER_LENGTH) return clauses;
  const all = "The paths and strings of a filter together";
  throw invalidFilter(`${all} have at most ${MAX_FILTER_LENGTH} characters, got ${length}.`);
}

function parseClause(clause: unknown, index: number): ParsedClause {
  if (typeof clause !== "object" || clause === null) {
    throw invalidClause(index, `expected { field, op, value }, got ${describeValue(clause)}`);
  }
  const { field: name, op, value } = clause as FilterClause;
  if (typeof op !== "string" || !OPERATORS.has(op)) {
    throw invalidClause(index, `unknown operator ${describeValue(op)}; use one of ${[...OPERATORS].join(" ")}`);
  }
  const { field, path } = parseField(name, index);
  return { field, path, op, value: parseOperand(field, op, value, index) };
}

function parseOperand(
  field: ParsedClause["field"],
  op: FilterClause["op"],
  value: unknown,
  index: number,
): ParsedClause["value"] {
  if (op === "like" || op === "prefix") return parsePattern(op, value, index);
  if (op !== "in") return parseValue(field, value, index);
  if (!Array.isArray(value)) throw invalidClause(index, `"in" takes a list of values, got ${describeValue(value)}`);
  checkLength(index, 'values of its "in"', value.length, MAX_FILTER_VALUES);
  return Array.from(value, (item) => parseValue(field, item, index));
}

function parsePattern(op: "like" | "prefix", value: unknown, index: number): string {
  if (typeof value !== "string" || !value.isWellFormed()) {
    throw invalidClause(index, `"${op}" takes a string without lone surrogates, got ${describeValue(value)}`);
  }
  checkLength(index, `characters of its "${op}"`, value.length, MAX_FILTER_PATTERN_LENGTH);
  return value;
}

function parseValue(field: ParsedClause["field"], value: unknown, index: number): ParsedValue {
  if (field === "timestamp") return parseTime(value, index);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string" && value.isWellFormed()) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalidClause(index, `a value is a string, a finite number, a boolean or null, got ${describeValue(value)}`);
}

const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function parseTime(value: unknown, index: number): number {
  const isTime = value instanceof Date || (typeof value === "string" && ISO_TIME.test(value));
  const timeMs = isTime ? new Date(value).getTime() : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw invalidClause(index, `"timestamp" is compared with a Date or an ISO 8601 string, got ${describeValue(value)}`);
}

/** How many characters a clause has that an adapter may have to carry. */
function lengthOf({ path, value }: ParsedClause): number {
  const texts = [...path, ...(Array.isArray(value) ? value : [value])];
  return texts.reduce((sum: number, text) => sum + (typeof text === "string" ? text.length : 0), 0);
}

function invalidFilter(message: string): InvalidFilterError {
  return new InvalidFilterError(-1, message);
}
