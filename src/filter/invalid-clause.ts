import { InvalidFilterError } from "../../protocols/index.js";

/** The error of one clause of a filter. */
export function invalidClause(index: number, reason: string): InvalidFilterError {
  return new InvalidFilterError(index, `Clause ${index} of the filter: ${reason}.`);
}

/** @throws InvalidFilterError when a part of a clause is longer than its limit. */
export function checkLength(index: number, what: string, length: number, limit: number): void {
  if (length > limit) throw invalidClause(index, `${what}: at most ${limit} are allowed, got ${length}`);
}
