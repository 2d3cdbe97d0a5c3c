import type { StatementRules } from "../../../src/adapter-kit/check-statements.js";
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

/** The statements of SQLite. */
export const SQLITE_STATEMENTS: StatementRules = { read: readStatements, refused: REFUSED };

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
