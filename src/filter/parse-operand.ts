import type { FilterClause, ParsedClause, ParsedValue } from "../../protocols/index.js";
import { MAX_FILTER_PATTERN_LENGTH, MAX_FILTER_VALUES } from "../limits.js";
import { isList } from "../validate/is-list.js";
import { describeValue } from "../validate/json-text.js";
import { checkLength, invalidClause } from "./invalid-clause.js";

type Field = ParsedClause["field"];

/**
 * Checks what a clause compares its field with, and copies it.
 *
 * @throws InvalidFilterError
 */
export function parseOperand(
  field: Field,
  op: FilterClause["op"],
  value: unknown,
  index: number,
): ParsedClause["value"] {
  if (op === "like" || op === "prefix") return parsePattern(op, value, index);
  if (op === "=" && isList(value)) {
    throw invalidClause(index, `"=" takes one value, got ${describeValue(value)}; "in" takes a list`);
  }
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

function parseValue(field: Field, value: unknown, index: number): ParsedValue {
  if (field === "timestamp") return parseTime(value, index);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string" && value.isWellFormed()) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalidClause(index, invalidValue(value));
}

function invalidValue(value: unknown): string {
  if (value instanceof Date) return 'only "timestamp" is compared with a Date; give the text or number that was stored';
  return `a value is a string, a finite number, a boolean or null, got ${describeValue(value)}`;
}

const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function parseTime(value: unknown, index: number): number {
  const isTime = value instanceof Date || (typeof value === "string" && ISO_TIME.test(value));
  const timeMs = isTime ? new Date(value).getTime() : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw invalidClause(index, `"timestamp" is compared with a Date or an ISO 8601 string, got ${describeValue(value)}`);
}
