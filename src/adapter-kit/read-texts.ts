import { StatementCache } from "./statement-cache.js";

/** Longer texts are read anew each time, in UTF-16 units: they are rarely run again, and would fill the memory. */
const MAX_KEPT_TEXT_LENGTH = 4_096;

/** What was read from the texts of statements. A program runs the same few texts again and again. */
export class ReadTexts<Statement extends object> {
  readonly #kept = new StatementCache<Statement>();
  readonly #read: (text: string) => Statement;

  /** @param read - may throw; that is not kept */
  constructor(read: (text: string) => Statement) {
    this.#read = read;
  }

  of(text: string): Statement {
    const kept = this.#kept.get(text);
    if (kept !== undefined) return kept;
    const statement = this.#read(text);
    if (text.length <= MAX_KEPT_TEXT_LENGTH) this.#kept.add(text, statement);
    return statement;
  }
}
