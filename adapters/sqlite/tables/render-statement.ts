import type { SQLName, SQLStatement, SQLValue } from "../../../protocols/index.js";
import { isSQLName } from "../../../src/transaction/sql-statement.js";
import type { SQLiteValue } from "../drivers/driver.js";
import { checkSingleStatement } from "./single-statement.js";

/** A statement as a driver takes it. */
export interface RenderedStatement {
  readonly text: string;
  /** The values of the placeholders, in order. */
  readonly values: readonly SQLiteValue[];
}

/**
 * Writes a statement's text: a placeholder for each value, and each name in quotes.
 *
 * @throws InvalidArgumentError when it is not one allowed statement
 */
export function renderStatement({ strings, values }: SQLStatement): RenderedStatement {
  const isRaw = strings.length === 1;
  const text = isRaw
    ? (strings[0] as string)
    : strings.reduce((before, part, index) => before + between(values[index - 1]) + part);
  checkSingleStatement(text);
  const bound = values.filter((value) => !isSQLName(value)) as SQLValue[];
  return { text, values: bound.map((value) => (typeof value === "boolean" ? Number(value) : value)) };
}

function between(value: SQLValue | SQLName | undefined): string {
  return isSQLName(value) ? `"${value.name.replaceAll('"', '""')}"` : "?";
}
