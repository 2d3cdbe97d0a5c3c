import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { isPlaceholder, tokensOf } from "./sql-tokens.js";

/** Statements that would end the transaction, or change the session for others; and those that other dialects have. */
const REFUSED: ReadonlySet<string> = new Set([
  "BEGIN",
  "START",
  "COMMIT",
  "END",
  "ABORT",
  "ROLLBACK",
  "SAVEPOINT",
  "RELEASE",
  "PREPARE",
  "EXECUTE",
  "DEALLOCATE",
  "SET",
  "RESET",
  "DISCARD",
  "LISTEN",
  "UNLISTEN",
  "COPY",
  "VACUUM",
  "PRAGMA",
  "ATTACH",
  "DETACH",
]);

/**
 * Checks that a text is one statement, and none that is refused.
 *
 * @throws InvalidArgumentError
 */
export function checkSingleStatement(text: string): void {
  if (text.includes("\0")) throw invalidArgument("statement", "it has a zero character; bind values instead");
  const { keywords } = readStatements(text);
  const [first] = keywords;
  if (first === undefined) throw invalidArgument("statement", "it is empty");
  if (REFUSED.has(first)) {
    const reason = `${first} is refused: transactions and connections are the store's; use transaction(), or migrations`;
    throw invalidArgument("statement", reason);
  }
  if (keywords.length > 1) throw invalidArgument("statement", "it has several statements; give one in each call");
}

/**
 * Checks that a script has no statement that is refused: one that ended the transaction would leave a part of the script
 * behind. It takes no values, so placeholders are mistakes.
 *
 * @throws InvalidArgumentError
 */
export function checkScript(text: string): void {
  if (text.includes("\0")) throw invalidArgument("script", "it has a zero character");
  const { keywords, placeholder } = readStatements(text);
  const refused = keywords.find((keyword) => REFUSED.has(keyword));
  if (refused !== undefined) {
    const reason = `${refused} is refused: the script runs in a transaction of the store's, completely or not at all`;
    throw invalidArgument("script", reason);
  }
  if (placeholder !== undefined) {
    throw invalidArgument("script", `it has the placeholder "${placeholder}", and a script takes no values`);
  }
}

interface Statements {
  /** The keyword that each statement begins with. */
  readonly keywords: readonly string[];
  /** The first token that a value would be bound to. */
  readonly placeholder: string | undefined;
}

/** Words behind which the body of a function in standard SQL begins, with semicolons of its own. */
const ATOMIC = ["BEGIN", "ATOMIC"];

function readStatements(text: string): Statements {
  const keywords: string[] = [];
  let placeholder: string | undefined;
  let isOpen = false;
  /** How many blocks of a function's body are open: BEGIN ATOMIC, and CASE within. */
  let depth = 0;
  let last = "";
  for (const token of tokensOf(text)) {
    if (isPlaceholder(token)) placeholder ??= token;
    const word = token.toUpperCase();
    if (last === ATOMIC[0] && word === ATOMIC[1]) depth += 1;
    else if (depth > 0 && word === "CASE") depth += 1;
    else if (depth > 0 && word === "END") depth -= 1;
    if (word === ";" && depth === 0) isOpen = false;
    else if (!isOpen) {
      isOpen = true;
      keywords.push(word);
    }
    last = word;
  }
  return { keywords, placeholder };
}
