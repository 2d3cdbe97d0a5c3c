import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { tokensOf } from "./sql-tokens.js";

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
  const statements = new StatementCounter();
  for (const token of tokensOf(text)) statements.add(token.toUpperCase());
  const { count, first } = statements;
  if (count === 0) throw invalidArgument("statement", "it is empty");
  if (REFUSED.has(first)) {
    const reason = `${first} is refused: transactions and connections are the store's; use transaction(), or migrations`;
    throw invalidArgument("statement", reason);
  }
  if (count > 1) throw invalidArgument("statement", "it has several statements; give one in each call");
}

/**
 * Counts statements as SQLite's own sqlite3_complete() finds their ends (https://www.sqlite.org/c3ref/complete.html): at
 * each semicolon, except those within a trigger, which ends with a semicolon, END and a semicolon.
 */
class StatementCounter {
  count = 0;
  /** The keyword that the first statement begins with, but for EXPLAIN. */
  first = "";
  /** The words of the statement so far, at most as many as tell that it makes a trigger. */
  #words: string[] = [];
  #isTrigger = false;
  #isOpen = false;
  #last = "";
  #lastButOne = "";

  add(token: string): void {
    if (token === ";") this.#onSemicolon();
    else this.#onWord(token);
    this.#lastButOne = this.#last;
    this.#last = token;
  }

  #onWord(word: string): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.count += 1;
    }
    if (this.#words.length === 0 && EXPLAINING.has(word)) return;
    if (this.first === "") this.first = word;
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
