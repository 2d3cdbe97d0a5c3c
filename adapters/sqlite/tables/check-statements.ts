import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { isPlaceholder, tokensOf } from "./sql-tokens.js";

/** Statements that would end the transaction, or change the connection for others. */
const REFUSED: ReadonlySet<string> = new Set([
  "BEGIN",
  "COMMIT",
  "END",
  "ROLLBACK",
  "SAVEPOINT",
  "RELEASE",
  "PRAGMA",
  "ATTACH",
  "DETACH",
  "VACUUM",
]);

/** Before a statement. SQLite runs some of what it explains: PRAGMA while it compiles it. */
const EXPLAINING: ReadonlySet<string> = new Set(["EXPLAIN", "QUERY", "PLAN"]);

/**
 * Checks that a text is one statement, and none that is refused. Drivers run the first of several, and say nothing of the
 * others.
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
 * behind. It takes no values, so placeholders are mistakes; SQLite would bind NULL to them.
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

function readStatements(text: string): StatementReader {
  const statements = new StatementReader();
  for (const token of tokensOf(text)) statements.add(token);
  return statements;
}

/**
 * Finds statements as SQLite's own sqlite3_complete() finds their ends (https://www.sqlite.org/c3ref/complete.html): at
 * each semicolon, except those within a trigger, which ends with a semicolon, END and a semicolon.
 */
class StatementReader {
  /** The keyword that each statement begins with, but for EXPLAIN. */
  readonly keywords: string[] = [];
  /** The first token that a value would be bound to. */
  placeholder: string | undefined;
  /** The words of the statement so far, at most as many as tell that it makes a trigger. */
  #words: string[] = [];
  #isTrigger = false;
  #isOpen = false;
  #last = "";
  #lastButOne = "";

  add(token: string): void {
    if (isPlaceholder(token)) this.placeholder ??= token;
    const word = token.toUpperCase();
    if (word === ";") this.#onSemicolon();
    else this.#onWord(word);
    this.#lastButOne = this.#last;
    this.#last = word;
  }

  #onWord(word: string): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.keywords.push(word);
    }
    if (this.#words.length === 0) {
      this.keywords[this.keywords.length - 1] = word;
      if (EXPLAINING.has(word)) return;
    }
    if (this.#words.length < MAX_TRIGGER_WORDS) this.#words.push(word);
    this.#isTrigger ||= TRIGGER.test(this.#words.join(" "));
  }

  #onSemicolon(): void {
    const isInside = this.#isTrigger && !(this.#lastButOne === ";" && this.#last === "END");
    if (!this.#isOpen || isInside) return;
    this.#isOpen = false;
    this.#isTrigger = false;
    this.#words = [];
  }
}

const TRIGGER = /^CREATE (TEMP |TEMPORARY )?TRIGGER$/;
const MAX_TRIGGER_WORDS = 3;
