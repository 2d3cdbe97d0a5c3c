import type PG from "pg";
import type { Client, ClientConfig, PoolClient, QueryConfig, QueryResult } from "pg";
import {
  type CallResult,
  type ClientResult,
  type ClientStatement,
  type ClientValue,
  ConnectionLostError,
  type PostgresClient,
  type PostgresConnection,
  type PreparedStatement,
  type StatementAhead,
} from "./client.js";
import { clientError, type SentStatement } from "./pg-errors.js";
import { assertASCII, LIBRARY_TYPES, TABLE_TYPES } from "./pg-values.js";
import { PreparedCall } from "./prepared-call.js";
import { type SentQuery, StatementPair } from "./statement-pair.js";

/** What the client is opened with. */
export interface PGClientSettings {
  /** How long making a connection may take. */
  readonly connectTimeoutMs: number;
  /** How long an answer may take until the connection is given up. */
  readonly answerTimeoutMs: number;
}

/** A pool of the package `pg` that the caller owns. */
export interface PGPool {
  connect(): Promise<PoolClient>;
}

/** The package `pg`, over a connection string, the options of its client, or a pool of the caller's. */
export class PGClient implements PostgresClient {
  readonly location: string;
  /** How many connections there may be at the same time. */
  readonly maxConnections: number;
  readonly #pg: typeof PG;
  readonly #source: PGPool | ClientConfig;
  readonly #settings: PGClientSettings;

  constructor(pg: typeof PG, source: PGPool | ClientConfig, settings: PGClientSettings) {
    this.#pg = pg;
    this.#source = source;
    this.#settings = settings;
    this.location = locationOf(pg, source);
    this.maxConnections = maxConnectionsOf(source);
  }

  async connect(): Promise<PostgresConnection> {
    if (!isPool(this.#source)) return this.#connect(this.#source);
    const { connectTimeoutMs, answerTimeoutMs } = this.#settings;
    try {
      const client = await connectWithin(this.#source, connectTimeoutMs);
      // It has the settings of this store from now on, and goes to nobody else.
      return new PGConnection(client, answerTimeoutMs, async () => client.release(true));
    } catch (error) {
      throw clientError(error);
    }
  }

  connectApart(): Promise<PostgresConnection> {
    if (!isPool(this.#source)) return this.#connect(this.#source);
    const { options } = this.#source as { options?: ClientConfig };
    // The pool hides the password from a copy of its options.
    return options === undefined ? this.connect() : this.#connect({ ...options, password: options.password });
  }

  async #connect(options: ClientConfig): Promise<PostgresConnection> {
    const { connectTimeoutMs: connectionTimeoutMillis, answerTimeoutMs } = this.#settings;
    try {
      const client = new this.#pg.Client({
        application_name: "async-streams",
        keepAlive: true,
        connectionTimeoutMillis,
        ...options,
      });
      const connection = new PGConnection(client, answerTimeoutMs, () => client.end());
      await client.connect();
      return connection;
    } catch (error) {
      throw clientError(error);
    }
  }
}

/** A pool of which all connections are in use waits for as long as it was told, which is for ever by default. */
function connectWithin(pool: PGPool, timeoutMs: number): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new ConnectionLostError(`the pool had no connection to give within ${timeoutMs} ms`));
    }, timeoutMs);
    const give = (client: PoolClient): void => {
      clearTimeout(timer);
      if (isLate) client.release();
      else resolve(client);
    };
    pool.connect().then(give, (error: unknown) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

export function isPool(source: unknown): source is PGPool {
  // A client has both as well, and a host.
  const { connect, totalCount } = source as { connect?: unknown; totalCount?: unknown };
  return typeof connect === "function" && typeof totalCount === "number";
}

export function maxConnectionsOf(source: unknown): number {
  const max = isPool(source) ? (source as { options?: { max?: unknown } }).options?.max : undefined;
  return typeof max === "number" ? max : Number.POSITIVE_INFINITY;
}

/** What a connection string begins with. The client takes any other text for a database's name, and a password in it too. */
const CONNECTION_STRING = /^(?:postgres(?:ql)?:\/\/|socket:|\/)/i;

function locationOf(pg: typeof PG, source: PGPool | ClientConfig): string {
  const options = isPool(source) ? (source as { options?: ClientConfig }).options : source;
  const { connectionString } = options ?? {};
  const isOther = connectionString && !CONNECTION_STRING.test(connectionString);
  // The client finds none of its options in a URL, and would connect to this machine.
  if (isOther || options instanceof URL) throw new TypeError("no connection string");
  const { host, port, database } = new pg.Client({ ...options });
  return `postgresql://${host}:${port}/${database ?? ""}`;
}

/**
 * What the server says that is no warning of a statement: that which is for information; and that it ends the session at once, as
 * in an immediate shutdown, whatever it has answered before. One that it ends while a commit waits for standbys gets no answer.
 * The word for a warning is one of the server's language.
 */
const NO_WARNING: ReadonlySet<string> = new Set(["00000", "57P01", "57P02"]);

/** How long the server may take to end a session. */
const CLOSE_TIMEOUT_MS = 1_000;

class PGConnection implements PostgresConnection {
  readonly #client: Client | PoolClient;
  answerTimeoutMs: number | undefined;
  ahead: StatementAhead | undefined;
  usesUTF8 = true;
  readonly #end: () => Promise<void>;
  readonly #onEnd: (() => void)[] = [];
  #failure: ConnectionLostError | undefined;
  #hasWarning = false;

  constructor(client: Client | PoolClient, answerTimeoutMs: number, end: () => Promise<void>) {
    this.#client = client;
    this.answerTimeoutMs = answerTimeoutMs;
    this.#end = end;
    client.on("notice", ({ code }) => {
      this.#hasWarning ||= code !== undefined && !NO_WARNING.has(code);
    });
    // Rows are read as texts here, whatever the caller's client was made for. It goes to nobody else any more.
    (client as { binary?: boolean }).binary = false;
    // The client itself always sends and takes UTF-8.
    connectionOf(client).on("parameterStatus", ({ parameterName, parameterValue }) => {
      if (parameterName === "client_encoding") this.usesUTF8 = parameterValue === "UTF8";
    });
    client.on("error", (error) => this.#ended(clientError(error)));
    client.on("end", () => this.#ended(new ConnectionLostError("the connection ended")));
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  get announcedProcessId(): number | undefined {
    return (this.#client as unknown as { processID?: number | null }).processID ?? undefined;
  }

  query<Row>({ name, text, values }: ClientStatement): Promise<ClientResult<Row>> {
    const config = { text, values: values as unknown[], types: LIBRARY_TYPES };
    return this.#run<Row>(name === undefined ? config : { ...config, name });
  }

  get takesCalls(): boolean {
    return (this.#client as unknown as { pipeline?: unknown }).pipeline !== true;
  }

  // Not by #answered: each promise that another one waits for takes time, which a single append has little of.
  call(statement: PreparedStatement): Promise<CallResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const timer = this.#startTimer();
    this.#hasWarning = false;
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, rows: CallResult["rows"] = []): void => {
        clearTimeout(timer);
        if (error === null) resolve({ rows, hasWarning: this.#hasWarning });
        // The client has not finished with what it was told: the connection may be ended for it.
        else queueMicrotask(() => reject(this.#told(error, statement)));
      };
      try {
        this.#client.query(new PreparedCall(statement, done) as never);
      } catch (error) {
        done(error as Error);
      }
    });
  }

  async queryTables(text: string, values: readonly ClientValue[]): Promise<ClientResult<Record<string, unknown>>> {
    // The extended protocol takes one statement only, also where it has no values.
    const config: SentConfig = { text, values: [...values], types: TABLE_TYPES, queryMode: "extended" };
    const result = await this.#run<Record<string, unknown>>(config);
    if (!this.usesUTF8) assertASCII(result.rows);
    return result;
  }

  script<Row>(text: string): Promise<ClientResult<Row>> {
    return this.#run<Row>({ text, types: LIBRARY_TYPES });
  }

  onNotification(listener: (payload: string) => void): void {
    this.#client.on("notification", ({ payload }) => listener(payload ?? ""));
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#failure = new ConnectionLostError("the connection was closed");
    // A server that was stopped never says goodbye.
    const timer = setTimeout(() => this.#destroyStream(), CLOSE_TIMEOUT_MS);
    await this.#end().catch(() => undefined);
    clearTimeout(timer);
    this.#tellEnd();
  }

  destroy(): void {
    this.#destroyStream();
    this.#ended(new ConnectionLostError("no answer came in time, and the connection was given up"));
  }

  #destroyStream(): void {
    connectionOf(this.#client).stream.destroy();
  }

  async #run<Row>(config: SentConfig): Promise<ClientResult<Row>> {
    const { ahead } = this;
    this.ahead = undefined;
    const Query = this.takesCalls && isExtended(config) ? queryClassOf(this.#client) : undefined;
    const isOneMessage = ahead !== undefined && Query !== undefined;
    if (ahead !== undefined && !isOneMessage) await this.#runAhead(ahead);
    const send = (): Promise<QueryResult | QueryResult[]> =>
      isOneMessage ? this.#sendPair(ahead, config, Query) : this.#client.query(config as never);
    const { answer, hasWarning } = await this.#answered(send, config);
    return { ...resultOf<Row>(answer), hasWarning };
  }

  #sendPair(ahead: StatementAhead, config: SentConfig, Query: QueryClass): Promise<QueryResult | QueryResult[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, result?: QueryResult | QueryResult[]) =>
        error ? reject(error) : resolve(result as QueryResult);
      this.#client.query(new StatementPair(ahead, new Query(config, undefined, done)) as never);
    });
  }

  /** In a message of its own: a script goes to the server in another way, and a client may take no query classes. */
  async #runAhead({ text, onRow }: StatementAhead): Promise<void> {
    const config = { text, rowMode: "array", types: LIBRARY_TYPES };
    const { answer } = await this.#answered(() => this.#client.query(config as never) as Promise<QueryResult>, config);
    onRow((answer.rows as unknown as readonly (readonly (string | null)[])[])[0] ?? []);
  }

  async #answered<T>(send: () => Promise<T>, statement: SentStatement | undefined): Promise<Answered<T>> {
    if (this.#failure !== undefined) throw this.#failure;
    const timer = this.#startTimer();
    this.#hasWarning = false;
    try {
      const answer = await send();
      return { answer, hasWarning: this.#hasWarning };
    } catch (error) {
      throw this.#told(error, statement);
    } finally {
      clearTimeout(timer);
    }
  }

  #startTimer(): NodeJS.Timeout | undefined {
    const { answerTimeoutMs } = this;
    return answerTimeoutMs === undefined ? undefined : setTimeout(() => this.destroy(), answerTimeoutMs);
  }

  #told(error: unknown, statement: SentStatement | undefined): Error {
    const told = clientError(error, statement);
    if (told instanceof ConnectionLostError) this.#ended(told);
    return told;
  }

  #ended(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = new ConnectionLostError(error.message, { cause: error.cause });
    void this.#end().catch(() => undefined);
    this.#tellEnd();
  }

  #tellEnd(): void {
    for (const listener of this.#onEnd.splice(0)) listener();
  }
}

type SentConfig = QueryConfig<unknown[]> & { readonly queryMode?: "extended" };

/** The client's own class of queries. */
type QueryClass = new (
  config: SentConfig,
  values: undefined,
  done: (error: Error | null, result?: QueryResult | QueryResult[]) => void,
) => SentQuery;

/** That of the caller's client, which may be of another version; undefined for a wrapper that is no such client. */
function queryClassOf(client: Client | PoolClient): QueryClass | undefined {
  // Not the client's own property, which a wrapper may have bound to it as a method.
  const prototype = Object.getPrototypeOf(client) as { readonly constructor?: { readonly Query?: QueryClass } } | null;
  return prototype?.constructor?.Query;
}

/** Whether a statement goes to the server in the messages that may be several for one answer. */
function isExtended({ name, values, queryMode }: SentConfig): boolean {
  return name !== undefined || queryMode === "extended" || (values ?? []).length > 0;
}

interface Answered<T> extends Pick<CallResult, "hasWarning"> {
  readonly answer: T;
}

/** What the client's types leave out. */
interface ClientSocket {
  readonly stream: { destroy(): void };
  on(
    event: "parameterStatus",
    listener: (status: { readonly parameterName: string; readonly parameterValue: string }) => void,
  ): void;
}

function connectionOf(client: Client | PoolClient): ClientSocket {
  return (client as unknown as { connection: ClientSocket }).connection;
}

function resultOf<Row>(answer: QueryResult | QueryResult[]): Omit<ClientResult<Row>, "hasWarning"> {
  const last = Array.isArray(answer) ? answer.at(-1) : answer;
  if (last === undefined) throw new ConnectionLostError("the server gave no answer");
  return { rows: last.rows as Row[], rowCount: last.rowCount ?? 0, command: last.command };
}
