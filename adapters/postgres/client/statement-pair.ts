import type { StatementAhead } from "./client.js";
import type { MessageSocket } from "./prepared-call.js";

/** A query of the client's, as it sends one and handles the answers. Which of these there are depends on its kind. */
export interface SentQuery {
  readonly name?: string | undefined;
  readonly text: string;
  /** The client may put its own in front of it. */
  callback: (error: Error | null, result?: never) => void;
  submit(socket: MessageSocket): Error | null;
  handleError(error: Error, socket: MessageSocket): void;
  handleDataRow(message: RowMessage): void;
  handleCommandComplete(message: object, socket: MessageSocket): void;
  handleRowDescription(message: object): void;
  handleEmptyQuery(socket: MessageSocket): void;
  handleReadyForQuery(socket: MessageSocket): void;
}

interface RowMessage {
  readonly fields: (string | null)[];
}

/** What is prepared under no name. The client takes note of statements by their name, and this one must not be taken for the other. */
const NAME_OF_FIRST = "es_ahead";

/**
 * A statement without values, and a query behind it, in one message: where the first fails, the server leaves the second out. It is
 * a query class as `pg` takes it, such as those of cursors.
 */
export class StatementPair implements SentQuery {
  readonly #first: StatementAhead;
  readonly #second: SentQuery;
  #isFirstDone = false;

  constructor(first: StatementAhead, second: SentQuery) {
    this.#first = first;
    this.#second = second;
  }

  get callback(): SentQuery["callback"] {
    return this.#second.callback;
  }

  set callback(callback: SentQuery["callback"]) {
    this.#second.callback = callback;
  }

  get name(): string {
    return (this.#isFirstDone ? this.#second.name : undefined) ?? NAME_OF_FIRST;
  }

  /** For those who watch what the client sends. */
  get text(): string {
    return this.#second.text;
  }

  submit(socket: MessageSocket): Error | null {
    const { stream } = socket;
    stream.cork?.();
    try {
      socket.parse({ name: "", text: this.#first.text });
      socket.bind({ statement: "", values: [] });
      socket.execute({});
      return this.#second.submit(socket);
    } finally {
      stream.uncork?.();
    }
  }

  handleDataRow(message: RowMessage): void {
    if (this.#isFirstDone) this.#second.handleDataRow(message);
    else this.#first.onRow(message.fields);
  }

  handleCommandComplete(message: object, socket: MessageSocket): void {
    if (this.#isFirstDone) this.#second.handleCommandComplete(message, socket);
    else this.#isFirstDone = true;
  }

  handleRowDescription(message: object): void {
    this.#second.handleRowDescription(message);
  }

  handleEmptyQuery(socket: MessageSocket): void {
    this.#second.handleEmptyQuery(socket);
  }

  handleError(error: Error, socket: MessageSocket): void {
    const { name } = this.#second;
    // It was not prepared, though the client has sent that.
    if (!this.#isFirstDone && name !== undefined) delete socket.submittedNamedStatements?.[name];
    this.#second.handleError(error, socket);
  }

  handleReadyForQuery(socket: MessageSocket): void {
    this.#second.handleReadyForQuery(socket);
  }
}
