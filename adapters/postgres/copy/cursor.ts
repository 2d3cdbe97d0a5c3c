import type { ClientValue, PostgresConnection } from "../client/client.js";

let cursors = 0;

/** The rows of a statement, a page at a time: the server sorts them once. It lives within the open transaction. */
export class Cursor<Row> implements AsyncDisposable {
  readonly #connection: PostgresConnection;
  readonly #name: string;

  private constructor(connection: PostgresConnection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  static async open<Row>(
    connection: PostgresConnection,
    sql: string,
    values: readonly ClientValue[],
  ): Promise<Cursor<Row>> {
    cursors += 1;
    const name = `es_cursor_${cursors}`;
    await connection.query({ text: `DECLARE ${name} NO SCROLL CURSOR FOR ${sql}`, values });
    return new Cursor(connection, name);
  }

  async *pages(rows: number): AsyncGenerator<readonly Row[], void> {
    for (;;) {
      const page = (await this.#connection.query<Row>({ text: `FETCH ${rows} FROM ${this.#name}` })).rows;
      if (page.length > 0) yield page;
      if (page.length < rows) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A transaction that has failed has closed it.
    if (this.#connection.isOpen) await this.#connection.script(`CLOSE ${this.#name}`).catch(() => undefined);
  }
}
