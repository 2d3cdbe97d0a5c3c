import type { ClientValue, PreparedStatement } from "./client.js";

/** What the client's types leave out: the messages to the server, and which statements it has prepared. */
export interface MessageSocket {
  readonly stream: { cork?(): void; uncork?(): void };
  readonly parsedStatements: Record<string, string>;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly (string | Buffer | null)[] }): void;
  execute(message: object): void;
  sync(): void;
  once(event: "parseComplete", listener: () => void): void;
  off(event: "parseComplete", listener: () => void): void;
}

type TextRow = (string | null)[];
type Done = (error: Error | null, rows?: TextRow[]) => void;

/**
 * Statements that `pg` sends in one write, and the server runs in one transaction: none of them ends before the last. It is a
 * query class as that client takes it, such as those of cursors. The descriptions of rows are not asked for.
 */
export class PreparedBatch {
  /** The client may put its own in front of it. */
  callback: Done;
  readonly #statements: readonly PreparedStatement[];
  #rows: TextRow[] = [];
  #completed = 0;
  #error: Error | null = null;
  #stopListening: () => void = () => undefined;

  constructor(statements: readonly PreparedStatement[], callback: Done) {
    this.#statements = statements;
    this.callback = callback;
  }

  /** Tells those who watch what the client sends, and would put a copy with another text in its place, that it is prepared. */
  get name(): string {
    return this.#statements.map(({ name }) => name).join(";");
  }

  /** For those who watch what the client sends. */
  get text(): string {
    return this.#statements.map(({ text }) => text).join(";");
  }

  submit(socket: MessageSocket): null {
    const { stream } = socket;
    this.#listen(socket);
    stream.cork?.();
    try {
      for (const { name, text, values } of this.#statements) {
        if (socket.parsedStatements[name] === undefined) socket.parse({ name, text });
        socket.bind({ statement: name, values: values.map(boundOf) });
        socket.execute({});
      }
      socket.sync();
    } finally {
      stream.uncork?.();
    }
    return null;
  }

  /** Takes note of what is prepared: a later statement may fail, and this one is there all the same. */
  #listen(socket: MessageSocket): void {
    const unparsed = this.#statements.filter(({ name }) => socket.parsedStatements[name] === undefined);
    if (unparsed.length === 0) return;
    const note = (): void => {
      const { name, text } = unparsed.shift() as PreparedStatement;
      socket.parsedStatements[name] = text;
      if (unparsed.length > 0) socket.once("parseComplete", note);
    };
    socket.once("parseComplete", note);
    this.#stopListening = () => socket.off("parseComplete", note);
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    // Only the rows of the last statement are asked for.
    this.#completed += 1;
    if (this.#completed < this.#statements.length) this.#rows = [];
  }

  handleRowDescription(): void {}
  handleEmptyQuery(): void {}

  /** Of the server, before it is ready for the next query; or of a connection that has ended. */
  handleError(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#stopListening();
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
