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
  /** Whether it may leave something in the session that outlives its transaction. */
  readonly mayChangeSession: boolean;
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
  const { highest, mayChangeSession } = TEXTS.of(text);
  if (!isRaw) return { text, values: bound, mayChangeSession };
  checkPlaceholders(highest, values.length);
  return { text, values: values as readonly SQLValue[], mayChangeSession };
}

const TEXTS = new ReadTexts(readText);

interface ReadText extends Pick<RenderedStatement, "mayChangeSession"> {
  /** The highest number of a placeholder. */
  readonly highest: number;
}

function readText(text: string): ReadText {
  checkSingleStatement(text, POSTGRES_STATEMENTS);
  const tokens = [...tokensOf(text)];
  let highest = 0;
  for (const token of tokens) if (isPlaceholder(token)) highest = Math.max(highest, Number(token.slice(1)));
  return { highest, mayChangeSession: mayChangeSession(tokens) };
}

const CHANGING_ROWS: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** What the server has for it: `set_config`, which an UPDATE of `pg_settings` calls, and locks of the session. */
const CHANGING_SESSION = /set_config|pg_settings|advisory/i;

/**
 * All that a function of the application's does cannot be seen. One that changes the session is called by a SELECT, and not by
 * what changes rows.
 */
function mayChangeSession(tokens: readonly string[]): boolean {
  const keyword = tokens[0]?.toUpperCase() ?? "";
  if (CHANGING_ROWS.has(keyword)) return tokens.some((token) => CHANGING_SESSION.test(token));
  // SELECT INTO makes a table, which may be temporary.
  return keyword !== "SELECT" || tokens.some((token, index) => /^into$/i.test(token) || isCall(tokens, index));
}

/** Words that can be no function's name, unless it has its schema. */
const NO_FUNCTIONS: ReadonlySet<string> = new Set([
  "IN",
  "AND",
  "OR",
  "NOT",
  "WHERE",
  "ON",
  "FROM",
  "EXISTS",
  "VALUES",
]);

const NAME = /^["\p{L}_]/u;

/** Whether the arguments of a function begin. */
function isCall(tokens: readonly string[], index: number): boolean {
  const [schemaDot, before = "", bracket] = [tokens[index - 2], tokens[index - 1], tokens[index]];
  return bracket === "(" && NAME.test(before) && (schemaDot === "." || !NO_FUNCTIONS.has(before.toUpperCase()));
}

function checkPlaceholders(highest: number, count: number): void {
  if (highest === count) return;
  const problem = highest > count ? "there is no value for" : "there is no";
  throw invalidArgument("statement", `${problem} placeholder $${Math.max(highest, count)}; it has ${count} values`);
}
