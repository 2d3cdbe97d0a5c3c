/** How many statements are kept. */
const MAX_STATEMENTS = 64;

/** Statements that were prepared, or read, by their SQL. The one that was not used for longest goes first. */
export class StatementCache<Statement> {
  readonly #statements = new Map<string, Statement>();

  get(sql: string): Statement | undefined {
    const statement = this.#statements.get(sql);
    if (statement === undefined) return undefined;
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Keeps a statement, and returns the one that had to make room for it. */
  add(sql: string, statement: Statement): Statement | undefined {
    this.#statements.set(sql, statement);
    if (this.#statements.size <= MAX_STATEMENTS) return undefined;
    const [oldest, removed] = this.#statements.entries().next().value as [string, Statement];
    this.#statements.delete(oldest);
    return removed;
  }

  /** Forgets all statements, and returns them. */
  clear(): Statement[] {
    const statements = [...this.#statements.values()];
    this.#statements.clear();
    return statements;
  }
}
