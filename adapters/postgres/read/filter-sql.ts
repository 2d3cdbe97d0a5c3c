import type { ParsedClause, ParsedValue } from "../../../protocols/index.js";
import { type LikeSegment, literalRuns, parseLikePattern } from "../../../src/filter/like-pattern.js";
import type { ClientValue } from "../client/client.js";
import type { StoreMarks } from "../history/store-history.js";
import { type FieldIndex, indexedExpression } from "../indexes/field-index.js";
import { ESCAPED, MAX_FIELD_CHARACTERS, type StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, plainArray, textArray } from "../sql-text.js";

/** What reading a page needs to know of the store. */
export interface ReadContext {
  /** The store, for messages. */
  readonly location: string;
  readonly names: StoreNames;
  /** Takes what each page says of the store. */
  readonly marks: StoreMarks;
  /** The fields that the store has an index of. */
  readonly indexes: readonly FieldIndex[];
}

/** A condition on a row of events, with `?` for each of its values. */
interface Condition {
  readonly sql: string;
  readonly values: readonly ClientValue[];
  /** Whether it holds only for events with one of some idempotency keys, which a stream has an index of. */
  readonly isKeyLookup?: boolean;
}

/** The part of a filter that the server applies. */
export interface FilterSQL {
  /** Begins with AND where it is not empty. */
  readonly sql: string;
  readonly values: readonly ClientValue[];
  /** Whether an index finds what may match. */
  readonly isLookup: boolean;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a question mark is that stands for itself. No name and no path has a zero character. */
const QUESTION_MARK = "\0";

/** A part of a condition that has no values: the name of a schema or a field may have question marks. */
function literally(sql: string): string {
  return sql.replaceAll("?", QUESTION_MARK);
}

const NEVER: Condition = { sql: "false", values: [] };

/**
 * The part of a filter that the server can apply. It keeps every event that matches, and may keep others: the core applies
 * the filter again, so its meaning is defined in one place. Texts are compared as bytes, which is the order of code points.
 *
 * Everything from the caller is bound. The text consists of constants of this file.
 */
export function filterSQL(
  filter: readonly ParsedClause[],
  { names, indexes }: Pick<ReadContext, "names" | "indexes">,
  { firstParameter, isOfStream }: { readonly firstParameter: number; readonly isOfStream: boolean },
): FilterSQL {
  const conditions = filter
    .map((clause) => clauseCondition(clause, names, indexOf(clause, indexes)))
    .filter((found) => found !== null);
  let parameter = firstParameter;
  const numbered = (sql: string): string => sql.replaceAll("?", () => `$${parameter++}`).replaceAll(QUESTION_MARK, "?");
  return {
    sql: conditions.map(({ sql }) => ` AND (${numbered(sql)})`).join(""),
    values: conditions.flatMap(({ values }) => values),
    isLookup:
      filter.some((clause) => indexOf(clause, indexes) !== undefined) ||
      (isOfStream && conditions.some(({ isKeyLookup }) => isKeyLookup === true)),
  };
}

/** The index that finds the events of a clause. */
function indexOf({ op, field, path }: ParsedClause, indexes: readonly FieldIndex[]): FieldIndex | undefined {
  if (op !== "=" && op !== "in") return undefined;
  const isSame = ({ parsed }: FieldIndex): boolean =>
    parsed.field === field && parsed.path.length === path.length && parsed.path.every((key, at) => key === path[at]);
  return indexes.find((index) => index.parsed.field !== "streamId" && isSame(index));
}

function clauseCondition(clause: ParsedClause, names: StoreNames, index: FieldIndex | undefined): Condition | null {
  switch (clause.field) {
    case "metadata":
    case "data":
      return index === undefined
        ? jsonCondition(clause, `e.${clause.field}`, names)
        : indexedCondition(clause, literally(indexedExpression(index, names, "e.")));
    case "streamId":
      return textCondition(clause, "s.name");
    case "id":
      return idCondition(clause);
    case "type":
      return textCondition(clause, "e.type");
    default:
      return numberCondition(clause, `e.${clause.field}`);
  }
}

/** What is no UUID can only be a key. An id that was made at the write is in no index. */
function idCondition(clause: ParsedClause): Condition | null {
  const condition = textCondition(clause, "e.id");
  const { op, value } = clause;
  if (condition === null || (op !== "=" && op !== "in")) return condition;
  const ids = (op === "in" ? (value as readonly ParsedValue[]) : [value]).filter((id) => typeof id === "string");
  if (ids.length === 0 || ids.some((id) => UUID.test(id))) return condition;
  const keys = "e.key IS NOT NULL AND e.key = ANY(ARRAY(SELECT sha256(k) FROM unnest(?::bytea[]) AS k))";
  return { sql: `${keys} AND ${condition.sql}`, values: [bytesArray(ids), ...condition.values], isKeyLookup: true };
}

function textCondition({ op, value }: ParsedClause, column: string): Condition | null {
  if (op === "in") {
    const texts = (value as readonly ParsedValue[]).filter((item) => typeof item === "string");
    return { sql: `${column} = ANY(?::bytea[])`, values: [bytesArray(texts)] };
  }
  if (typeof value !== "string") return NEVER;
  if (op === "prefix") return prefixCondition(value, column);
  if (op === "like") return likeCondition(value, column);
  return { sql: `${column} ${op} ?::bytea`, values: [bytesOf(value)] };
}

function prefixCondition(prefix: string, column: string): Condition {
  const bytes = bytesOf(prefix);
  return { sql: `substring(${column} FROM 1 FOR ?::int) = ?::bytea`, values: [bytes.length, bytes] };
}

/** The cheap part of a pattern: the beginning of the text if the pattern gives it, and otherwise its longest run of characters. */
function likeCondition(pattern: string, column: string): Condition | null {
  const segments = parseLikePattern(pattern);
  const prefix = literalRuns(segments[0] as LikeSegment)[0] as string;
  if (prefix !== "") return prefixCondition(prefix, column);
  const longest = segments.flatMap(literalRuns).reduce((best, run) => (run.length > best.length ? run : best));
  return longest === "" ? null : { sql: `position(?::bytea IN ${column}) > 0`, values: [bytesOf(longest)] };
}

function numberCondition({ op, value }: ParsedClause, column: string): Condition {
  if (op === "in") {
    const numbers = (value as readonly ParsedValue[]).filter((item) => typeof item === "number");
    return { sql: `${column} = ANY(?::float8[])`, values: [plainArray(numbers)] };
  }
  if (typeof value !== "number" || op === "like" || op === "prefix") return NEVER;
  // Not a whole number as the column is: the value may have a fraction.
  return { sql: `${column} ${op} ?::float8`, values: [value] };
}

/**
 * A value inside JSON is compared as the text that JSON has for it, which is exact for every type. The server cannot read
 * JSON with some escapes; such events are left to the core.
 */
function jsonCondition({ path, op, value }: ParsedClause, column: string, { prefix }: StoreNames): Condition | null {
  if (path.some((key) => key.includes("\0"))) return null;
  const field = `${literally(prefix)}es_field(${column}, ?::text[])`;
  if (op !== "=" && op !== "in") return { sql: `${field} IS NOT NULL`, values: [textArray(path)] };
  return { sql: `${field} = ANY(?::text[])`, values: [textArray(path), textArray(fieldTexts(op, value))] };
}

/** The same with the path in the text, as the index has it. */
function indexedCondition({ op, value }: ParsedClause, expression: string): Condition {
  return { sql: `${expression} = ANY(?::text[])`, values: [textArray(fieldTexts(op as "=" | "in", value))] };
}

/** What es_field may be for events that match a clause. */
function fieldTexts(op: "=" | "in", value: ParsedClause["value"]): string[] {
  const values = op === "in" ? (value as readonly ParsedValue[]) : [value as ParsedValue];
  return [...values.flatMap(jsonTexts).map(beginning), ESCAPED];
}

function beginning(text: string): string {
  // A character has at most two units, and a long text need not be split as a whole.
  return [...text.slice(0, 2 * MAX_FIELD_CHARACTERS)].slice(0, MAX_FIELD_CHARACTERS).join("");
}

/** The texts that JSON has for a value. Zero has two. */
function jsonTexts(value: ParsedValue): string[] {
  return value === 0 ? ["0", "-0"] : [JSON.stringify(value)];
}
