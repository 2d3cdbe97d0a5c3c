import { invalidArgument } from "../../../src/validate/check-arguments.js";

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

/**
 * Checks that a text is one statement, and none that is refused. Drivers run the first of several, and say nothing of the
 * others.
 *
 * @throws InvalidArgumentError
 */
export function checkSingleStatement(text: string): void {
  if (text.includes("\0")) throw invalidArgument("statement", "it has a zero character; bind values instead");
  const statements = new StatementCounter();
  for (const [token] of text.matchAll(TOKEN)) statements.add(token);
  const { count, first } = statements;
  if (first === undefined) throw invalidArgument("statement", "it is empty");
  if (REFUSED.has(first)) {
    const reason = `${first} is refused: transactions and connections are the store's; use transaction(), or migrations`;
    throw invalidArgument("statement", reason);
  }
  if (count > 1) throw invalidArgument("statement", "it has several statements; give one in each call");
}

// The tokens of SQLite: https://www.sqlite.org/lang.html. Comments and white space are none. What is not closed ends
// with the text.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|[\p{L}_$\u0080-\uffff][\p{L}\p{N}_$\u0080-\uffff]*|;|[^\s]/gu;

/**
 * Counts statements as SQLite's own sqlite3_complete() finds their ends (https://www.sqlite.org/c3ref/complete.html): at
 * each semicolon, except those within a trigger, which ends with END and a semicolon.
 */
class StatementCounter {
  count = 0;
  /** The keyword that the first statement begins with. */
  first: string | undefined;
  /** The words of the statement so far, at most as many as tell that it makes a trigger. */
  #words: string[] = [];
  #isTrigger = false;
  #isOpen = false;
  #last = "";

  add(token: string): void {
    if (token.startsWith("--") || token.startsWith("/*")) return;
    const word = token.toUpperCase();
    if (word === ";") this.#onSemicolon();
    else this.#onWord(word);
    this.#last = word;
  }

  #onWord(word: string): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.count += 1;
      this.first ??= word;
    }
    if (this.#words.length < 4) this.#words.push(word);
    this.#isTrigger ||= TRIGGER.test(this.#words.join(" "));
  }

  #onSemicolon(): void {
    if (!this.#isOpen || (this.#isTrigger && this.#last !== "END")) return;
    this.#isOpen = false;
    this.#isTrigger = false;
    this.#words = [];
  }
}

const TRIGGER = /^(EXPLAIN |EXPLAIN QUERY )?CREATE (TEMP |TEMPORARY )?TRIGGER$/;
