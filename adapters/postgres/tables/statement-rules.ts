import type { StatementRules, Statements } from "../../../src/adapter-kit/check-statements.js";
import { changedLibraryName } from "../../../src/adapter-kit/library-objects.js";
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

/** The statements of PostgreSQL. */
export const POSTGRES_STATEMENTS: StatementRules = { read: readStatements, refused: REFUSED };

/** Words behind which the body of a function in standard SQL begins, with semicolons of its own. */
const ATOMIC = ["BEGIN", "ATOMIC"];

function readStatements(text: string): Statements {
  const keywords: string[] = [];
  let placeholder: string | undefined;
  let libraryName: string | undefined;
  /** Those of the statement so far. None of them is a semicolon that ends it. */
  let tokens: string[] = [];
  /** How many blocks of a function's body are open: BEGIN ATOMIC, and CASE within. */
  let depth = 0;
  let last = "";
  for (const token of tokensOf(text)) {
    if (isPlaceholder(token)) placeholder ??= token;
    const word = token.toUpperCase();
    if (last === ATOMIC[0] && word === ATOMIC[1]) depth += 1;
    else if (depth > 0 && word === "CASE") depth += 1;
    else if (depth > 0 && word === "END") depth -= 1;
    if (word === ";" && depth === 0) {
      libraryName ??= changedLibraryName(tokens);
      tokens = [];
    } else {
      if (tokens.length === 0) keywords.push(word);
      tokens.push(token);
    }
    last = word;
  }
  libraryName ??= changedLibraryName(tokens);
  // Which schema is the library's differs between stores: see checkSchema.
  return { keywords, placeholder, libraryName, writtenTable: undefined };
}
