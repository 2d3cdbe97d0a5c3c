import type { ClientValue, PreparedStatement } from "./client.js";

/** What the client's types leave out: the messages to the server, and which statements it has prepared. */
export interface MessageSocket {
  readonly stream: { cork?(): void; uncork?(): void };
  readonly parsedStatements: Record<string, string>;
  /** Absent in clients before 8.17. */
  readonly submittedNamedStatements?: Record<string, string>;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly (string | Buffer | null)[] }): void;
  execute(message: object): void;
  sync(): void;
}

type TextRow = (string | null)[];
type Done = (error: Error | null, rows?: TextRow[]) => void;

/**
 * A prepared statement that is sent without a request for a description of its rows. It is a query class as `pg` takes it, such as
 * those of cursors: the client's own way copies its options, asks for that description each time, and makes objects of rows.
 */
export class PreparedCall {
  /** The client may put its own in front of it. */
  callback: Done;
  readonly #statement: PreparedStatement;
  readonly #rows: TextRow[] = [];
  #error: Error | null = null;

  constructor(statement: PreparedStatement, callback: Done) {
    this.#statement = statement;
    this.callback = callback;
  }

  /**
   * By it and the text the client takes note of what is prepared. And it tells those who watch what the client sends, and would
   * put a copy with another text in its place.
   */
  get name(): string {
    return this.#statement.name;
  }

  get text(): string {
    return this.#statement.text;
  }

  submit(socket: MessageSocket): null {
    const { name, text, values } = this.#statement;
    const { stream } = socket;
    stream.cork?.();
    try {
      if (socket.parsedStatements[name] === undefined) socket.parse({ name, text });
      socket.bind({ statement: name, values: values.map(boundOf) });
      socket.execute({});
      socket.sync();
    } finally {
      stream.uncork?.();
    }
    return null;
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleEmptyQuery(): void {}

  /** Of the server, before it is ready for the next query; or of a connection that has ended. */
  handleError(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    if (this.#error === null) this.callback(null, this.#rows);
  }
}

function boundOf(value: ClientValue): string | Buffer | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
