import type { ClientConfig } from "pg";
import type { StreamBackend, TransactionalStreamFactory } from "../../protocols/index.js";
import { CommitFeed } from "../../src/adapter-kit/commit-feed.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { invalidArgument } from "../../src/validate/check-arguments.js";
import { inCall } from "../../src/validate/in-call.js";
import { describeValue } from "../../src/validate/json-text.js";
import { loadPG } from "./client/load-pg.js";
import { isPool, PGClient, type PGPool } from "./client/pg-client.js";
import type { FieldIndex } from "./indexes/field-index.js";
import { PostgresNotifier } from "./notify/postgres-notifier.js";
import { openStore } from "./open/open-store.js";
import { storeNames } from "./open/schema.js";
import { answerTimeoutMs, openSession } from "./open/session.js";
import { storageError } from "./postgres-errors.js";
import { type PostgresOptions, type PostgresSettings, parsePostgresOptions } from "./postgres-options.js";
import { PostgresStorageHandle } from "./postgres-storage-handle.js";
import { ReadPool } from "./read/read-pool.js";
import { WriteQueue } from "./transaction/write-queue.js";
import { Writer } from "./transaction/writer.js";

/** A store in a PostgreSQL database. */
export type PostgresStreamFactory = TransactionalStreamFactory;

/**
 * A connection string (`postgresql://user@host:5432/database`), the options of the client of the package `pg`, or a pool of
 * that package. A pool stays open when the store is disposed of. The store keeps up to `readPoolSize` and two more of its
 * connections, and gives none back for the use of others.
 */
export type PostgresConnectionSource = string | object;

/**
 * Opens a store in a PostgreSQL database, and creates it if there is none. Any number of processes may use it at the same time.
 * It needs the package `pg`.
 *
 * @param connection - a connection string, the options of the client, or a pool
 * @throws InvalidArgumentError when the connection or an option is invalid.
 * @throws StorageError when the store cannot be used; its `code` says why, and the database is not changed.
 *
 * @example
 * ```ts
 * await using streams = await postgresStreamFactory("postgresql://bank@localhost/bank");
 * ```
 */
export async function postgresStreamFactory(
  connection: PostgresConnectionSource,
  options?: PostgresOptions,
): Promise<PostgresStreamFactory> {
  return createStreamFactory(await openPostgresBackend(connection, options));
}

/** Opens the parts of a store. */
export async function openPostgresBackend(
  connection: PostgresConnectionSource,
  options?: PostgresOptions,
): Promise<StreamBackend<PostgresStorageHandle>> {
  try {
    const settings = parsePostgresOptions(options);
    return await openBackend(await clientOf(connection, settings), settings);
  } catch (error) {
    throw inCall(error, "open the store in PostgreSQL", undefined);
  }
}

/** The fewest connections that a store takes: one that writes, one that reads and one that listens. */
const MIN_CONNECTIONS = 3;

async function clientOf(connection: unknown, settings: PostgresSettings): Promise<PGClient> {
  const isSource =
    (typeof connection === "string" && connection !== "") || (typeof connection === "object" && connection !== null);
  if (!isSource) {
    const expected = "expected a connection string, the options of the client, or a pool";
    throw invalidArgument(
      "connection",
      `${expected}, got ${typeof connection === "string" ? '""' : describeValue(connection)}`,
    );
  }
  const max = isPool(connection) ? (connection as { options?: { max?: unknown } }).options?.max : undefined;
  if (typeof max === "number" && max < MIN_CONNECTIONS) {
    throw invalidArgument(
      "connection",
      `a pool of ${max} is too small; a store takes ${MIN_CONNECTIONS} connections or more`,
    );
  }
  const pg = await loadPG();
  const source =
    typeof connection === "string" ? { connectionString: connection } : (connection as PGPool | ClientConfig);
  try {
    const { connectTimeoutMs } = settings;
    return new PGClient(pg, source, { connectTimeoutMs, answerTimeoutMs: answerTimeoutMs(settings) });
  } catch {
    // Its message may have the password.
    throw invalidArgument("connection", "it is no connection string, such as postgresql://user@host:5432/database");
  }
}

async function openBackend(
  client: PGClient,
  settings: PostgresSettings,
): Promise<StreamBackend<PostgresStorageHandle>> {
  const { location } = client;
  const { schema, now, notify, pollIntervalMs, readPoolSize, connectTimeoutMs, commandTimeoutMs, findMisuse } =
    settings;
  const names = storeNames(schema);
  try {
    const session = await openSession(client, settings, "write");
    let indexes: readonly FieldIndex[];
    try {
      indexes = await openStore(session, { settings, names, location });
    } catch (error) {
      await session.connection.close();
      throw error;
    }
    const writer = new Writer(session, {
      names,
      connectTimeoutMs,
      commandTimeoutMs,
      open: () => openSession(client, settings, "write"),
    });
    const reads = new ReadPool({
      size: readPoolSize,
      retryMs: connectTimeoutMs,
      open: () => openSession(client, settings, "read"),
    });
    const feed = new CommitFeed();
    const queue = new WriteQueue({ writer, feed, names, indexes, location, now, notify });
    const storage = new PostgresStorageHandle({ location, names, indexes, reads, queue, writer });
    const open = notify ? () => client.connect() : undefined;
    const notifier = new PostgresNotifier({ feed, names, reads, pollIntervalMs, open });
    return { storage, notifier, now, findMisuse };
  } catch (error) {
    throw storageError(error, "open the store", location);
  }
}
