import type { EventFilter, FilterClause } from "../../../protocols/index.js";
import {
  MAX_FILTER_CLAUSES,
  MAX_FILTER_LENGTH,
  MAX_FILTER_PATH_LENGTH,
  MAX_FILTER_PATTERN_LENGTH,
  MAX_FILTER_VALUES,
} from "../../../src/limits.js";
import { wholeNumbers } from "./sample-events.js";

/** As many of a clause as a filter may have. */
function mostOf(clause: FilterClause): EventFilter {
  return wholeNumbers(1, MAX_FILTER_CLAUSES).map(() => clause);
}

function listOf(length: number): readonly (string | number)[] {
  return [...wholeNumbers(2, length), "c"];
}

const PATH = `data.${"b".repeat(MAX_FILTER_PATH_LENGTH - "data.".length)}` as const;
const PATTERN = `%${"_".repeat(MAX_FILTER_PATTERN_LENGTH - 2)}%`;

/** Filters at the limits that hold for an event of type `A`, data `{ b: "c" }`, metadata `{ d: 1 }` and the key `e`. */
export const LARGEST_FILTERS: readonly (readonly [string, EventFilter])[] = [
  ["types", mostOf({ field: "type", op: "!=", value: "B" })],
  ["patterns of types", mostOf({ field: "type", op: "like", value: "%A%" })],
  ["prefixes of ids", mostOf({ field: "id", op: "prefix", value: "e" })],
  ["ids", mostOf({ field: "id", op: "in", value: ["e", "01234567-89ab-7cde-8f01-23456789abcd"] })],
  ["fields of data", mostOf({ field: "data.b", op: "=", value: "c" })],
  ["fields of metadata", mostOf({ field: "metadata.d", op: "in", value: [1, null, true] })],
  ["lists", wholeNumbers(1, 3).map(() => ({ field: "data.b", op: "in", value: listOf(MAX_FILTER_VALUES) }))],
];

const TYPE: FilterClause = { field: "type", op: "=", value: "T" };

/** Filters beyond a limit, and which clause is at fault. */
export const TOO_LARGE_FILTERS: readonly (readonly [string, EventFilter, number])[] = [
  ["one clause too many", [...mostOf(TYPE), TYPE], -1],
  ["a list with one value too many", [TYPE, { field: "data.a", op: "in", value: listOf(MAX_FILTER_VALUES + 1) }], 1],
  ["a pattern that is too long", [{ field: "type", op: "like", value: `${PATTERN}%` }], 0],
  ["a prefix that is too long", [{ field: "type", op: "prefix", value: `${PATTERN}%` }], 0],
  ["a path that is too long", [{ field: `${PATH}b`, op: "=", value: 1 }], 0],
  ["strings that are too long together", [{ field: "data.a", op: "=", value: "a".repeat(MAX_FILTER_LENGTH) }], -1],
];
