import type { SQLName, SQLStatement, SQLValue } from "../../../protocols/index.js";
import { checkSingleStatement } from "../../../src/adapter-kit/check-statements.js";
import { isSQLName } from "../../../src/transaction/sql-statement.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import type { SQLiteValue } from "../drivers/driver.js";
import { replacePlaceholders } from "./sql-tokens.js";
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
  checkSingleStatement(text, SQLITE_STATEMENTS);
  const bound = values.filter((value) => !isSQLName(value)) as SQLValue[];
  return bind(
    text,
    bound.map((value) => (typeof value === "boolean" ? Number(value) : value)),
  );
}

function between(value: SQLValue | SQLName | undefined): string {
  return isSQLName(value) ? `"${value.name.replaceAll('"', '""')}"` : "?";
}

/**
 * Gives each placeholder its value, as SQLite numbers them: `?` comes after the highest so far, and a name that is used
 * again has its number again. Drivers differ in what they make of numbers and names, and one of them binds the values of an
 * earlier run where there are none.
 */
function bind(text: string, values: readonly SQLiteValue[]): RenderedStatement {
  const numbers = new Map<string, number>();
  const bound: SQLiteValue[] = [];
  let highest = 0;
  const written = replacePlaceholders(text, (placeholder) => {
    const isNumbered = /^\?\d/.test(placeholder);
    const number = isNumbered ? Number(placeholder.slice(1)) : (numbers.get(placeholder) ?? highest + 1);
    if (placeholder !== "?") numbers.set(placeholder, number);
    const value = values[number - 1];
    if (value === undefined) throw misfit(placeholder, values);
    highest = Math.max(highest, number);
    bound.push(value);
    return isLargeInteger(value) ? AS_INTEGER : "?";
  });
  if (highest < values.length) throw misfit(`?${values.length}`, values, "there is no");
  return { text: written, values: bound };
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
