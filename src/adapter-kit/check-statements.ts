import { invalidArgument } from "../validate/check-arguments.js";
import { isLibraryName, LIBRARY_PREFIX } from "./library-objects.js";

/** What a text of SQL consists of, as its dialect reads it. */
export interface Statements {
  /** The keyword that each statement begins with, in upper case. */
  readonly keywords: readonly string[];
  /** The first token that a value would be bound to. */
  readonly placeholder: string | undefined;
  /** The first thing of the library's that a statement would change. */
  readonly libraryName: string | undefined;
  /** The first table whose rows a statement would change, and which it must leave alone. */
  readonly writtenTable: string | undefined;
}

/** How a dialect reads statements, and the keywords of those that it refuses. */
export interface StatementRules {
  read(text: string): Statements;
  readonly refused: ReadonlySet<string>;
}

/**
 * Checks that a text is one statement, and none that is refused. Drivers run the first of several, and say nothing of the
 * others. What it would write is not looked at: where a statement may only read, the store refuses that itself.
 *
 * @throws InvalidArgumentError
 */
export function checkSingleStatement(text: string, { read, refused }: StatementRules): Statements {
  if (text.includes("\0")) throw invalidArgument("statement", "it has a zero character; bind values instead");
  const statements = read(text);
  const { keywords } = statements;
  const [first] = keywords;
  if (first === undefined) throw invalidArgument("statement", "it is empty");
  if (refused.has(first)) {
    const reason = `${first} is refused: transactions and connections are the store's; use transaction(), or migrations`;
    throw invalidArgument("statement", reason);
  }
  if (keywords.length > 1) throw invalidArgument("statement", "it has several statements; give one in each call");
  checkNames("statement", statements);
  return statements;
}

/**
 * Checks that a script has no statement that is refused: one that ended the transaction would leave a part of the script
 * behind. It takes no values, so placeholders are mistakes.
 *
 * @throws InvalidArgumentError
 */
export function checkScript(text: string, { read, refused }: StatementRules): void {
  if (text.includes("\0")) throw invalidArgument("script", "it has a zero character");
  const statements = read(text);
  const { keywords, placeholder } = statements;
  const found = keywords.find((keyword) => refused.has(keyword));
  if (found !== undefined) {
    const reason = `${found} is refused: the script runs in a transaction of the store's, completely or not at all`;
    throw invalidArgument("script", reason);
  }
  checkNames("script", statements);
  if (statements.writtenTable !== undefined) throw writeRefused("script", statements.writtenTable);
  if (placeholder !== undefined) {
    throw invalidArgument("script", `it has the placeholder "${placeholder}", and a script takes no values`);
  }
}

function checkNames(argument: string, { libraryName }: Statements): void {
  if (libraryName !== undefined) {
    throw invalidArgument(argument, `creating, changing or dropping "${libraryName}" is refused: ${RESERVED}`);
  }
}

const RESERVED = `names that begin with ${LIBRARY_PREFIX} are the library's`;

/** @param table - one of the library's, or SQLite's own that has a counter of the library's */
export function writeRefused(argument: string, table: string): Error {
  const reason = isLibraryName(table) ? RESERVED : "the store's counter of positions is in it";
  return invalidArgument(argument, `writing to ${table} is refused: ${reason}`);
}
