/**
 * The few calls that the adapter makes of a PostgreSQL client. Another client takes the place of `pg` by implementing this
 * port and nothing else.
 */
export interface PostgresClient {
  /** The server and the database in error messages, without the user and the password. */
  readonly location: string;
  /** Opens a connection of its own. It fails with `ConnectionLostError` where there is no server. */
  connect(): Promise<PostgresConnection>;
  /** The same without a pool of the caller's, of which all connections may be busy with what is to be cancelled. */
  connectApart(): Promise<PostgresConnection>;
}

/**
 * One connection. A call that is made while another is under way waits for it.
 *
 * A call rejects with `DatabaseError` when the server refused it, and with `ConnectionLostError` when there was no answer.
 */
export interface PostgresConnection {
  /** Whether the connection may still answer. */
  readonly isOpen: boolean;
  /** Whether the server takes texts as the UTF-8 that they are sent in. */
  readonly usesUTF8: boolean;
  /** The id of the server's process that the connection was told of as it began; a pooler makes one up. */
  readonly announcedProcessId: number | undefined;
  /** How long an answer may take until the connection is given up; undefined while a statement may take any time. */
  answerTimeoutMs: number | undefined;
  /** What is sent in front of the next statement, once. */
  ahead: StatementAhead | undefined;
  /** Runs one statement of the library's own. Whole numbers come back as numbers, and bytes as hexadecimal text. */
  query<Row>(statement: ClientStatement): Promise<ClientResult<Row>>;
  /** Whether the client takes statements as `call` sends them. */
  readonly takesCalls: boolean;
  /** Runs one statement, without what its rows are made of. They are as the server writes them. */
  call(statement: PreparedStatement): Promise<CallResult>;
  /** Runs one statement of the application's. Its rows have the values that `SQL.all` returns. */
  queryTables(text: string, values: readonly ClientValue[]): Promise<ClientResult<Record<string, unknown>>>;
  /** Runs several statements that take no values in one round trip, and returns the rows of the last. */
  script<Row>(text: string): Promise<ClientResult<Row>>;
  /** Calls the listener with each notification of a channel that the connection listens to. */
  onNotification(listener: (payload: string) => void): void;
  /** Calls the listener once when the connection is lost or closed. */
  onEnd(listener: () => void): void;
  /** Closes the connection after the calls that were made. */
  close(): Promise<void>;
  /** Drops the connection at once. Calls under way fail with `ConnectionLostError`. */
  destroy(): void;
}

/** A statement without values that is sent in one message with the one behind it, which does not run where it fails. */
export interface StatementAhead {
  readonly text: string;
  /** Called with its row before the other is answered. */
  readonly onRow: (row: readonly (string | null)[]) => void;
}

/** A statement of the library's own. */
export interface ClientStatement {
  /** Statements with a name are prepared once on each connection. */
  readonly name?: string;
  /** The text, with placeholders from `$1`. */
  readonly text: string;
  readonly values?: readonly ClientValue[];
}

/** A statement that is prepared once on each connection, and that is often sent. */
export type PreparedStatement = Required<ClientStatement>;

/** What such a statement returned. */
export interface CallResult extends Pick<ClientResult<never>, "hasWarning"> {
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The values that may be bound. */
export type ClientValue = string | number | boolean | null | Uint8Array;

/** What a statement did. */
export interface ClientResult<Row> {
  readonly rows: Row[];
  /** How many rows it returned or changed. */
  readonly rowCount: number;
  /** The server's name of what was done, such as `COMMIT`. */
  readonly command: string;
  /** Whether the server warned meanwhile, as it does of a commit that did not wait for the standbys. */
  readonly hasWarning: boolean;
}

/** The connection ended before an answer came, or there was none to be had. Whether the statement ran is not known. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** What the server says of a statement that it refused. It has no value that was bound or stored. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** The SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  /** The schema, table, column and constraint that it is about, as far as the server names them. */
  readonly about: Readonly<Record<string, string>>;

  constructor(code: string, message: string, about: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.about = about;
  }
}
