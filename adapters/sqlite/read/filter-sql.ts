import type { ParsedClause, ParsedValue } from "../../../protocols/index.js";
import { jsonPathOf } from "../json-path.js";
import { idCondition } from "./filter-id-sql.js";
import { likeCondition, prefixCondition, type SQLCondition } from "./filter-text-sql.js";

/** The part of a filter that SQLite can apply. */
export interface SQLFilter extends SQLCondition {
  /** Whether a clause names idempotency keys, which a stream has an index of. */
  readonly isKeyLookup: boolean;
}

const NEVER: SQLCondition = { sql: "0", values: [] };

/**
 * The part of a filter that SQLite can apply. It keeps every event that matches, and may keep others: the core applies the
 * filter again, so its meaning is defined in one place. Clauses that SQLite would interpret differently, or could only
 * decide by scanning long texts, are left to the core.
 *
 * Everything from the caller is bound. The SQL text consists of constants in this file and the two beside it.
 */
export function filterCondition(filter: readonly ParsedClause[], firstParameter: number): SQLFilter {
  const conditions = filter.map(clauseCondition).filter((condition) => condition !== null);
  let parameter = firstParameter;
  const numbered = (sql: string): string => sql.replaceAll("?", () => `?${parameter++}`);
  return {
    sql: conditions.map(({ sql }) => ` AND (${numbered(sql)})`).join(""),
    values: conditions.flatMap(({ values }) => values),
    isKeyLookup: conditions.some(({ isKeyLookup }) => isKeyLookup === true),
  };
}

function clauseCondition(clause: ParsedClause): SQLCondition | null {
  switch (clause.field) {
    case "metadata":
      return jsonCondition(clause, "e.metadata");
    case "data":
      return jsonCondition(clause, "CASE e.codec & 1 WHEN 0 THEN e.data END");
    case "id":
      return idCondition(clause);
    case "streamId":
      return columnCondition(clause, "s.name", "string");
    case "type":
      return columnCondition(clause, "t.name", "string");
    default:
      return columnCondition(clause, `e.${clause.field}`, "number");
  }
}

/** A column holds values of one type, and any other value never matches. */
function columnCondition({ op, value }: ParsedClause, column: string, type: "string" | "number"): SQLCondition | null {
  if (op === "in") {
    const values = (value as readonly ParsedValue[]).filter((item) => typeof item === type);
    return { sql: `${column} IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(values)] };
  }
  if (typeof value !== type) return NEVER;
  if (op === "like") return likeCondition(value as string, column);
  if (op === "prefix") return prefixCondition(value as string, column);
  return { sql: `${column} ${op} ?`, values: [value as string | number] };
}

/**
 * A value inside JSON is compared as the text that JSON has for it, which is exact for every type. Keys that JSON writes
 * with an escape are left to the core.
 */
function jsonCondition({ path, op, value }: ParsedClause, json: string): SQLCondition | null {
  const jsonPath = jsonPathOf(path);
  if (jsonPath === null) return null;
  if (op !== "=" && op !== "in") return { sql: `(${json} -> ?) IS NOT NULL`, values: [jsonPath] };
  const texts = (op === "in" ? (value as readonly ParsedValue[]) : [value as ParsedValue]).flatMap(jsonTexts);
  return { sql: `(${json} -> ?) IN (SELECT value FROM json_each(?))`, values: [jsonPath, JSON.stringify(texts)] };
}

/** The texts that JSON has for a value. Zero has two. */
export function jsonTexts(value: ParsedValue): string[] {
  return value === 0 ? ["0", "-0"] : [JSON.stringify(value)];
}
