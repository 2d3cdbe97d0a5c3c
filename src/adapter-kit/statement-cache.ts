/** How many statements are kept. */
const MAX_STATEMENTS = 64;

interface KeptStatement<Statement> {
  readonly sql: string;
  readonly statement: Statement;
  lastUse: number;
}

/** Statements that were prepared, or read, by their SQL. The one that was not used for longest goes first. */
export class StatementCache<Statement> {
  readonly #kept = new Map<string, KeptStatement<Statement>>();
  #uses = 0;

  // To move the statement to the end of the map would cost as much as to look it up, at each use.
  get(sql: string): Statement | undefined {
    const kept = this.#kept.get(sql);
    if (kept === undefined) return undefined;
    this.#uses += 1;
    kept.lastUse = this.#uses;
    return kept.statement;
  }

  /** Keeps a statement, and returns the one that had to make room for it. */
  add(sql: string, statement: Statement): Statement | undefined {
    this.#uses += 1;
    this.#kept.set(sql, { sql, statement, lastUse: this.#uses });
    if (this.#kept.size <= MAX_STATEMENTS) return undefined;
    const oldest = [...this.#kept.values()].reduce((first, other) => (other.lastUse < first.lastUse ? other : first));
    this.#kept.delete(oldest.sql);
    return oldest.statement;
  }

  /** Forgets all statements, and returns them. */
  clear(): Statement[] {
    const statements = [...this.#kept.values()].map(({ statement }) => statement);
    this.#kept.clear();
    return statements;
  }
}
