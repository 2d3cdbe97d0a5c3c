import type { StatementRules } from "../../../src/adapter-kit/check-statements.js";
import { changedLibraryName, isLibraryName, writtenTable } from "../../../src/adapter-kit/library-objects.js";
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
  statements.end();
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
  /** What a statement would change of the library's. */
  libraryName: string | undefined;
  /** A table of the library, or SQLite's table of counters, whose rows a statement would change. */
  writtenTable: string | undefined;
  /** Those of the statement so far, but for EXPLAIN. */
  #tokens: string[] = [];
  #isTrigger = false;
  #isOpen = false;
  #last = "";
  #lastButOne = "";

  add(token: string): void {
    if (isPlaceholder(token)) this.placeholder ??= token;
    const word = token.toUpperCase();
    if (word === ";") this.#onSemicolon();
    else this.#onWord(word, token);
    this.#lastButOne = this.#last;
    this.#last = word;
  }

  /** The text has ended, and the last statement with it. */
  end(): void {
    this.libraryName ??= changedLibraryName(this.#tokens);
    this.writtenTable ??= writtenTable(this.#tokens, isKept);
    this.#isOpen = false;
    this.#isTrigger = false;
    this.#tokens = [];
  }

  #onWord(word: string, token: string): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.keywords.push(word);
    }
    if (this.#tokens.length === 0) {
      this.keywords[this.keywords.length - 1] = word;
      if (EXPLAINING.has(word)) return;
    }
    this.#tokens.push(token);
    if (this.#tokens.length <= MAX_TRIGGER_WORDS) this.#isTrigger ||= TRIGGER.test(this.#tokens.join(" "));
  }

  #onSemicolon(): void {
    const isInside = this.#isTrigger && !(this.#lastButOne === ";" && this.#last === "END");
    if (this.#isOpen && !isInside) this.end();
  }
}

const TRIGGER = /^CREATE (TEMP |TEMPORARY )?TRIGGER$/i;
const MAX_TRIGGER_WORDS = 3;

/** SQLite's table of counters. One of them is the store's counter of positions. */
const COUNTERS = "sqlite_sequence";

/** A statement may name the schema of a table or not: only one of a database can have a name of the library's. */
function isKept(name: string): boolean {
  return isLibraryName(name) || name.toLowerCase() === COUNTERS;
}
