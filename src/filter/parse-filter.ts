import { type EventFilter, type FilterClause, InvalidFilterError, type ParsedClause } from "../../protocols/index.js";
import { MAX_FILTER_CLAUSES, MAX_FILTER_LENGTH } from "../limits.js";
import { describeValue } from "../validate/json-text.js";
import { didYouMean } from "../validate/nearest-name.js";
import type { EventHooks } from "../view/event-hooks.js";
import { invalidClause } from "./invalid-clause.js";
import { parseField } from "./parse-field.js";
import { parseOperand } from "./parse-operand.js";

const CLAUSE_KEYS: readonly (keyof FilterClause)[] = ["field", "op", "value"];

const OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">=", "in", "like", "prefix"]);

/**
 * Checks a filter and copies it, so that later changes to it have no effect.
 *
 * @param hooks - may refuse it as well
 * @throws InvalidFilterError which names the clause.
 */
export function parseFilter(filter: EventFilter, hooks?: EventHooks): readonly ParsedClause[] {
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
  if (length > MAX_FILTER_LENGTH) {
    const all = "The paths and strings of a filter together";
    throw invalidFilter(`${all} have at most ${MAX_FILTER_LENGTH} characters, got ${length}.`);
  }
  hooks?.checkFilter?.(clauses);
  return clauses;
}

function parseClause(clause: unknown, index: number): ParsedClause {
  if (typeof clause !== "object" || clause === null) {
    throw invalidClause(index, `expected { field, op, value }, got ${describeValue(clause)}`);
  }
  checkKeys(clause, index);
  const { field: name, op, value } = clause as FilterClause;
  if (typeof op !== "string" || !OPERATORS.has(op)) throw unknownOperator(op, index);
  const { field, path } = parseField(name, index);
  return { field, path, op, value: parseOperand(field, op, value, index) };
}

/** A key that no clause has is a misspelt one, or a condition that would be ignored. One that is undefined is not there. */
function checkKeys(clause: object, index: number): void {
  for (const [key, value] of Object.entries(clause)) {
    if ((CLAUSE_KEYS as readonly string[]).includes(key) || value === undefined) continue;
    const meant = didYouMean(key, CLAUSE_KEYS);
    throw invalidClause(index, `unknown key ${describeValue(key)}${meant}; a clause has ${CLAUSE_KEYS.join(", ")}`);
  }
}

function unknownOperator(op: unknown, index: number): InvalidFilterError {
  const meant = typeof op === "string" ? didYouMean(op, [...OPERATORS]) : "";
  return invalidClause(index, `unknown operator ${describeValue(op)}${meant}; use one of ${[...OPERATORS].join(" ")}`);
}

/** How many characters a clause has that an adapter may have to carry. */
function lengthOf({ path, value }: ParsedClause): number {
  const texts = [...path, ...(Array.isArray(value) ? value : [value])];
  return texts.reduce((sum: number, text) => sum + (typeof text === "string" ? text.length : 0), 0);
}

function invalidFilter(message: string): InvalidFilterError {
  return new InvalidFilterError(-1, message);
}
