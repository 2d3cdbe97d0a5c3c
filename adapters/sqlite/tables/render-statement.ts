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
  readonly mayDeferKeys: boolean;
  /** The first table whose rows it would change, and which it must leave alone. */
  readonly writtenTable: string | undefined;
}

/**
 * Writes a statement's text: a placeholder for each value, and each name in quotes.
 *
 * @throws InvalidArgumentError when it is not one allowed statement, or does not have a placeholder for each value
 */
export function renderStatement({ strings, values }: SQLStatement): RenderedStatement {
  const names: (string | undefined)[] = [];
  const bound: SQLiteValue[] = [];
  for (const value of values) {
    const name = nameOf(value);
    names.push(name);
    if (name === undefined) bound.push(typeof value === "boolean" ? Number(value) : (value as SQLiteValue));
  }
  return bind(cutTemplate(strings, names), bound);
}

function nameOf(value: SQLValue | SQLName): string | undefined {
  return isSQLName(value) ? value.name : undefined;
}

/** What a template was read as when it was used last. Only its names make another text of it. */
const TEMPLATES = new WeakMap<readonly string[], { readonly names: Names; readonly cut: CutText }>();

/** For each value, undefined where it is bound. */
type Names = readonly (string | undefined)[];

function cutTemplate(strings: readonly string[], names: Names): CutText {
  const last = TEMPLATES.get(strings);
  if (last !== undefined && names.every((name, index) => name === last.names[index])) return last.cut;
  const cut = TEXTS.of(strings.reduce((before, part, index) => before + between(names[index - 1]) + part));
  // A list that was not made by a template may change.
  if (Object.isFrozen(strings)) TEMPLATES.set(strings, { names, cut });
  return cut;
}

function between(name: string | undefined): string {
  return name === undefined ? "?" : `"${name.replaceAll('"', '""')}"`;
}

/** A text that is one allowed statement, cut at its placeholders. */
interface CutText {
  readonly parts: readonly string[];
  readonly placeholders: readonly string[];
  /** The numbers of the placeholders, from 1. */
  readonly numbers: readonly number[];
  readonly highest: number;
  /** Whether each placeholder has a value of its own, in order. */
  readonly isInOrder: boolean;
  /** With `?` for each placeholder. */
  readonly text: string;
  readonly mayDeferKeys: boolean;
  readonly writtenTable: string | undefined;
}

const TEXTS = new ReadTexts(cutText);

/**
 * Numbers the placeholders as SQLite does: `?` comes after the highest so far, and a name that is used again has its number
 * again.
 */
function cutText(text: string): CutText {
  const { writtenTable } = checkSingleStatement(text, SQLITE_STATEMENTS);
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
  return {
    parts,
    placeholders,
    numbers,
    highest,
    isInOrder: numbers.every((number, index) => number === index + 1),
    text: parts.join("?"),
    mayDeferKeys: mayDeferKeys(text),
    writtenTable,
  };
}

/** Whether a text may make a foreign key that is checked at the commit only. */
export function mayDeferKeys(text: string): boolean {
  return /deferred/i.test(text);
}

/**
 * Gives each placeholder its value. Drivers differ in what they make of numbers and names, and one of them binds the values of
 * an earlier run where there are none.
 */
function bind(cut: CutText, values: readonly SQLiteValue[]): RenderedStatement {
  const { parts, numbers, isInOrder, highest, text, mayDeferKeys, writtenTable } = cut;
  const bound = isInOrder && numbers.length === values.length ? values : valuesOf(cut, values);
  if (highest < values.length) throw misfit(`?${values.length}`, values, "there is no");
  if (!bound.some(isLargeInteger)) return { text, values: bound, mayDeferKeys, writtenTable };
  const cast = parts.reduce((before, part, index) => {
    return before + (isLargeInteger(bound[index - 1] as SQLiteValue) ? AS_INTEGER : "?") + part;
  });
  return { text: cast, values: bound, mayDeferKeys, writtenTable };
}

function valuesOf({ placeholders, numbers }: CutText, values: readonly SQLiteValue[]): readonly SQLiteValue[] {
  return numbers.map((number, index) => {
    const value = values[number - 1];
    if (value === undefined) throw misfit(placeholders[index] as string, values);
    return value;
  });
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
