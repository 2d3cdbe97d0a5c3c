import type { SQLName, SQLStatement, SQLValue } from "../../../protocols/index.js";
import { checkSingleStatement } from "../../../src/adapter-kit/check-statements.js";
import { ReadTexts } from "../../../src/adapter-kit/read-texts.js";
import { isSQLName } from "../../../src/transaction/sql-statement.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import type { SQLiteValue } from "../drivers/driver.js";
import { cutAtPlaceholders } from "./sql-tokens.js";
import { SQLITE_STATEMENTS } from "./statement-rules.js";

/** A statement as a driver takes it. */
export interface RenderedStatement {
  /** All of its placeholders are `?`. */
  readonly text: string;
  /** The values of the placeholders, in order. */
  readonly values: readonly SQLiteValue[];
}

/**
 * Writes a statement's text: a placeholder for each value, and each name in quotes.
 *
 * @throws InvalidArgumentError when it is not one allowed statement, or does not have a placeholder for each value
 */
export function renderStatement({ strings, values }: SQLStatement): RenderedStatement {
  const text = strings.reduce((before, part, index) => before + between(values[index - 1]) + part);
  const bound = values.filter((value) => !isSQLName(value)) as SQLValue[];
  return bind(
    TEXTS.of(text),
    bound.map((value) => (typeof value === "boolean" ? Number(value) : value)),
  );
}

function between(value: SQLValue | SQLName | undefined): string {
  return isSQLName(value) ? `"${value.name.replaceAll('"', '""')}"` : "?";
}

/** A text that is one allowed statement, cut at its placeholders. */
interface CutText {
  readonly parts: readonly string[];
  readonly placeholders: readonly string[];
  /** The numbers of the placeholders, from 1. */
  readonly numbers: readonly number[];
  readonly highest: number;
  /** With `?` for each placeholder. */
  readonly text: string;
}

const TEXTS = new ReadTexts(cutText);

/**
 * Numbers the placeholders as SQLite does: `?` comes after the highest so far, and a name that is used again has its number
 * again.
 */
function cutText(text: string): CutText {
  checkSingleStatement(text, SQLITE_STATEMENTS);
  const { parts, placeholders } = cutAtPlaceholders(text);
  const known = new Map<string, number>();
  let highest = 0;
  const numbers = placeholders.map((placeholder) => {
    const isNumbered = /^\?\d/.test(placeholder);
    const number = isNumbered ? Number(placeholder.slice(1)) : (known.get(placeholder) ?? highest + 1);
    if (placeholder !== "?") known.set(placeholder, number);
    highest = Math.max(highest, number);
    return number;
  });
  return { parts, placeholders, numbers, highest, text: parts.join("?") };
}

/**
 * Gives each placeholder its value. Drivers differ in what they make of numbers and names, and one of them binds the values of
 * an earlier run where there are none.
 */
function bind(
  { parts, placeholders, numbers, highest, text }: CutText,
  values: readonly SQLiteValue[],
): RenderedStatement {
  const bound = numbers.map((number, index) => {
    const value = values[number - 1];
    if (value === undefined) throw misfit(placeholders[index] as string, values);
    return value;
  });
  if (highest < values.length) throw misfit(`?${values.length}`, values, "there is no");
  if (!bound.some(isLargeInteger)) return { text, values: bound };
  const cast = parts.reduce((before, part, index) => {
    return before + (isLargeInteger(bound[index - 1] as SQLiteValue) ? AS_INTEGER : "?") + part;
  });
  return { text: cast, values: bound };
}

/** The plus takes away the affinity that the CAST would give to a comparison. */
const AS_INTEGER = "+CAST(? AS INTEGER)";

const MAX_INT32 = 2 ** 31 - 1;

/** One that the driver `sqlite3` binds as a REAL: a text column would have "1.0" at its end. */
function isLargeInteger(value: SQLiteValue): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) > MAX_INT32;
}

function misfit(placeholder: string, { length }: readonly SQLiteValue[], problem = "there is no value for"): Error {
  return invalidArgument("statement", `${problem} placeholder ${placeholder}; it has ${length} values`);
}
