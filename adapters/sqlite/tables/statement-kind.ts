import { tokensOf } from "./sql-tokens.js";

/** What a driver has to know of a statement of the application's. It is asked for once, when the statement is prepared. */
export interface StatementKind {
  /** Whether it may insert, update or delete rows. Of others drivers say how many rows the statement before it has changed. */
  readonly mayChangeRows: boolean;
  readonly mayReturnRows: boolean;
  readonly isExplaining: boolean;
}

const CHANGING: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "REPLACE"]);

const WITHOUT_ROWS: ReadonlySet<string> = new Set([...CHANGING, "CREATE", "ALTER", "DROP"]);

export function kindOfStatement(text: string): StatementKind {
  const [first = "", ...others] = Array.from(tokensOf(text), (token) => token.toUpperCase());
  // A query may call the function replace().
  const isChanging = (word: string, next: string | undefined) =>
    CHANGING.has(word) && (word !== "REPLACE" || next === "INTO");
  return {
    mayChangeRows:
      CHANGING.has(first) || (first === "WITH" && others.some((word, index) => isChanging(word, others[index + 1]))),
    mayReturnRows: !WITHOUT_ROWS.has(first) || others.includes("RETURNING"),
    isExplaining: first === "EXPLAIN",
  };
}
