import { checkOptions, invalidArgument, type OptionNames } from "../../src/validate/check-arguments.js";
import { checkClock } from "../../src/validate/check-clock.js";
import { describeValue } from "../../src/validate/json-text.js";
import type { FieldIndex, IndexField } from "./indexes/field-index.js";
import { parseIndexes } from "./indexes/parse-indexes.js";

/**
 * A connection string (`postgresql://user@host:5432/database`), the options of the client of the package `pg`, or a pool of
 * that package. A pool stays open when the store is disposed of. The store keeps up to `readPoolSize` and two more of its
 * connections, and gives none back for the use of others.
 */
export type PostgresConnectionSource = string | object;

/** The options of `postgresStreamFactory`. */
export interface PostgresOptions {
  /** The schema of the library's tables. Several stores in one database have a schema each. Default `"async_streams"`. */
  readonly schema?: string | undefined;
  /** The schema in which names without a schema are looked up and created, in `tx.sql` and `query`. Default `"public"`. */
  readonly applicationSchema?: string | undefined;
  /**
   * Whether opening creates the library's schema, or brings it up to date, and creates `applicationSchema`. It does so once,
   * however many processes open the store at the same time. With `false`, a store that is missing or of an earlier version is
   * refused. Default `true`.
   */
  readonly create?: boolean | undefined;
  /** How many connections read at the same time. All but the first are opened on demand. 1 to 64, default 4. */
  readonly readPoolSize?: number | undefined;
  /**
   * How long making a connection may take, in milliseconds, and for how long a read tries again when it lost its connection.
   * 1 or more, default 5,000.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long one statement may take, in milliseconds, the waiting for the store's lock included. The server ends it then
   * (`statement_timeout`). Two seconds later the connection is given up, also where a statement of a transaction has set another
   * time limit for those behind it: a longer one has no effect. A server on Linux ends what was given up within a second.
   *
   * It also limits how long a lost answer is looked for, and how long a disposal waits for calls: what it cannot finish it names
   * in its error. 1 or more, default 30,000.
   */
  readonly commandTimeoutMs?: number | undefined;
  /**
   * Whether writes notify other processes at once, by one NOTIFY for each group of commits. With `false`, their watches only
   * poll. Writes of this process reach its watches directly. Default `true`.
   */
  readonly notify?: boolean | undefined;
  /**
   * How often the library asks the server for new events, in milliseconds, while there are watchers. Notifications make this
   * unnecessary, as long as none is lost. 1 or more, default 1,000.
   */
  readonly pollIntervalMs?: number | undefined;
  /**
   * A hot standby of the server, to read events from: `read`, `metrics`, the version of a handle, and what a watch reads that was
   * not notified. It may lag. Yet no read shows less than this factory has read or written before: what the replica does not
   * have within a moment is read from the server itself, and so is everything while the replica fails. Default: none.
   */
  readonly replica?: PostgresConnectionSource | undefined;
  /** The oldest major version of the server that is accepted. 15 or more, default 15. */
  readonly minServerVersion?: number | undefined;
  /**
   * What an acknowledged write survives. With `"full"` it survives a crash of the server and a power cut: the sessions have
   * `synchronous_commit=on`, or a stronger setting of the server's, and a server with `fsync=off` or `full_page_writes=off` is
   * refused. With `"normal"` (`synchronous_commit=off`) a crash of the server may lose the newest commits. Neither ever leaves
   * a part of a write. Default `"full"`.
   */
  readonly durability?: "full" | "normal" | undefined;
  /**
   * The filter fields that the store has an index of, such as `["type", "metadata.correlationId"]`. At most 16. Default `[]`.
   *
   * Opening the store with `create` builds the indexes that are missing, and drops those that are no longer named. Writers
   * wait while an index is built.
   */
  readonly indexes?: readonly IndexField[] | undefined;
  /**
   * The clock of the timestamps of events and snapshots, for tests. It returns milliseconds since 1970, and is used for
   * nothing else. Default `Date.now`.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Whether calls that a transaction's callback makes past its `tx` are refused at once, with `TRANSACTION_MISUSE`. Default:
   * `true` from Node 24 on, `false` before.
   */
  readonly findMisuse?: boolean | undefined;
}

/** {@link PostgresOptions}, checked and complete. */
export interface PostgresSettings {
  readonly schema: string;
  readonly applicationSchema: string;
  readonly create: boolean;
  readonly readPoolSize: number;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly notify: boolean;
  readonly pollIntervalMs: number;
  /** Checked when it is used. */
  readonly replica: unknown;
  readonly minServerVersion: number;
  readonly durability: "full" | "normal";
  readonly indexes: readonly FieldIndex[];
  readonly now: () => number;
  readonly findMisuse: boolean | undefined;
}

const OPTIONS: OptionNames<PostgresOptions> = {
  schema: true,
  applicationSchema: true,
  create: true,
  readPoolSize: true,
  connectTimeoutMs: true,
  commandTimeoutMs: true,
  notify: true,
  pollIntervalMs: true,
  replica: true,
  minServerVersion: true,
  durability: true,
  indexes: true,
  now: true,
  findMisuse: true,
};

/** The oldest version whose functions the adapter needs. */
const OLDEST_SERVER_VERSION = 15;

const MAX_INT32 = 2 ** 31 - 1;

/** @throws InvalidArgumentError */
export function parsePostgresOptions(options: PostgresOptions = {}): PostgresSettings {
  checkOptions(options, OPTIONS);
  const { durability = "full", findMisuse, indexes = [] } = options;
  if (durability !== "full" && durability !== "normal") {
    throw invalidArgument("durability", `expected "full" or "normal", got ${describeValue(durability)}`);
  }
  if (findMisuse !== undefined) flag("findMisuse", findMisuse);
  const schema = schemaName("schema", options.schema ?? "async_streams");
  const applicationSchema = schemaName("applicationSchema", options.applicationSchema ?? "public");
  if (schema === applicationSchema) {
    throw invalidArgument("applicationSchema", `${describeValue(schema)} is the library's own; name another`);
  }
  return {
    schema,
    applicationSchema,
    create: flag("create", options.create ?? true),
    readPoolSize: wholeNumber("readPoolSize", options.readPoolSize ?? 4, 1, 64),
    connectTimeoutMs: wholeNumber("connectTimeoutMs", options.connectTimeoutMs ?? 5_000, 1, MAX_INT32),
    commandTimeoutMs: wholeNumber("commandTimeoutMs", options.commandTimeoutMs ?? 30_000, 1, MAX_INT32),
    notify: flag("notify", options.notify ?? true),
    pollIntervalMs: wholeNumber("pollIntervalMs", options.pollIntervalMs ?? 1_000, 1, MAX_INT32),
    replica: options.replica,
    minServerVersion: wholeNumber(
      "minServerVersion",
      options.minServerVersion ?? OLDEST_SERVER_VERSION,
      OLDEST_SERVER_VERSION,
      999,
    ),
    durability,
    indexes: parseIndexes(indexes),
    now: checkClock(options.now),
    findMisuse,
  };
}

/** The longest name in bytes; the server cuts longer ones. */
const MAX_NAME_BYTES = 63;

function schemaName(option: keyof PostgresSettings, name: unknown): string {
  if (typeof name !== "string" || name === "" || !name.isWellFormed() || name.includes("\0")) {
    throw invalidArgument(option, `expected the name of a schema, got ${describeValue(name)}`);
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw invalidArgument(option, `${describeValue(name)} has more than ${MAX_NAME_BYTES} bytes`);
  }
  if (/^pg_/i.test(name)) throw invalidArgument(option, `names that begin with "pg_" are the server's`);
  return name;
}

function flag(name: keyof PostgresSettings, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalidArgument(name, `expected true or false, got ${describeValue(value)}`);
}

function wholeNumber(name: keyof PostgresSettings, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidArgument(name, `expected a whole number from ${least} to ${most}, got ${describeValue(value)}`);
}
