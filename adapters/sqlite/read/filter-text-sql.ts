import { type LikeSegment, literalRuns, parseLikePattern } from "../../../src/filter/like-pattern.js";
import type { SQLiteValue } from "../drivers/driver.js";

/** A condition on a row of events, and the values of its parameters in order. */
export interface SQLCondition {
  readonly sql: string;
  readonly values: readonly SQLiteValue[];
  /** Whether it holds only for events with one of some idempotency keys, and says so in a form that the index serves. */
  readonly isKeyLookup?: boolean;
}

// Texts are compared as bytes: SQLite's text functions stop at a NUL character.

/** Whether the text of a column begins so. */
export function prefixCondition(prefix: string, column: string): SQLCondition {
  const sql = `substr(CAST(${column} AS BLOB), 1, ?) = CAST(? AS BLOB)`;
  return { sql, values: [Buffer.byteLength(prefix), prefix] };
}

/** How many characters are searched for in a text, because SQLite's search is naive. */
const MAX_SOUGHT_CHARACTERS = 64;

/**
 * The cheap part of a pattern: the beginning of the text if the pattern gives it, and otherwise its longest run of
 * characters. SQLite's own LIKE and GLOB may take very long with several wildcards.
 */
export function likeCondition(pattern: string, column: string): SQLCondition | null {
  const segments = parseLikePattern(pattern);
  const prefix = literalRuns(segments[0] as LikeSegment)[0] as string;
  if (prefix !== "") return prefixCondition(prefix, column);
  const longest = segments.flatMap(literalRuns).reduce((best, run) => (run.length > best.length ? run : best));
  const sought = [...longest].slice(0, MAX_SOUGHT_CHARACTERS).join("");
  if (sought === "") return null;
  return { sql: `instr(CAST(${column} AS BLOB), CAST(? AS BLOB)) > 0`, values: [sought] };
}
