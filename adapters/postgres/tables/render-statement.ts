import type { SQLName, SQLStatement, SQLValue } from "../../../protocols/index.js";
import { checkSingleStatement } from "../../../src/adapter-kit/check-statements.js";
import { ReadTexts } from "../../../src/adapter-kit/read-texts.js";
import { isSQLName } from "../../../src/transaction/sql-statement.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { quoteName } from "../sql-text.js";
import { isPlaceholder, tokensOf } from "./sql-tokens.js";
import { POSTGRES_STATEMENTS } from "./statement-rules.js";

/** A statement as the server takes it. */
export interface RenderedStatement {
  /** Its placeholders are `$1` and so on. */
  readonly text: string;
  readonly values: readonly SQLValue[];
}

/**
 * Writes a statement's text: a placeholder for each value, and each name in quotes.
 *
 * @throws InvalidArgumentError when it is not one allowed statement, or does not have a placeholder for each value
 */
export function renderStatement({ strings, values }: SQLStatement): RenderedStatement {
  const bound: SQLValue[] = [];
  const between = (value: SQLValue | SQLName): string => {
    if (isSQLName(value)) return quoteName(value.name);
    bound.push(value);
    return `$${bound.length}`;
  };
  const isRaw = strings.length === 1;
  const text = isRaw
    ? (strings[0] as string)
    : strings.reduce((before, part, index) => before + between(values[index - 1] as SQLValue | SQLName) + part);
  const { highest } = TEXTS.of(text);
  if (!isRaw) return { text, values: bound };
  checkPlaceholders(highest, values.length);
  return { text, values: values as readonly SQLValue[] };
}

const TEXTS = new ReadTexts(readText);

interface ReadText {
  /** The highest number of a placeholder. */
  readonly highest: number;
}

function readText(text: string): ReadText {
  checkSingleStatement(text, POSTGRES_STATEMENTS);
  let highest = 0;
  for (const token of tokensOf(text)) if (isPlaceholder(token)) highest = Math.max(highest, Number(token.slice(1)));
  return { highest };
}

function checkPlaceholders(highest: number, count: number): void {
  if (highest === count) return;
  const problem = highest > count ? "there is no value for" : "there is no";
  throw invalidArgument("statement", `${problem} placeholder $${Math.max(highest, count)}; it has ${count} values`);
}
