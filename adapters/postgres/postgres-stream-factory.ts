import type { ClientConfig } from "pg";
import type {
  AdministrableStreamFactory,
  MaintainableStreamFactory,
  StoreMaintenance,
  StreamBackend,
  TransactionalStreamFactory,
  VerifyOptions,
} from "../../protocols/index.js";
import { CommitFeed } from "../../src/adapter-kit/commit-feed.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { invalidArgument } from "../../src/validate/check-arguments.js";
import { inCall } from "../../src/validate/in-call.js";
import { describeValue } from "../../src/validate/json-text.js";
import { KnownAppend } from "./append/append-known.js";
import type { StoringContext } from "./append/append-run.js";
import { KnownStreams } from "./append/known-streams.js";
import { SeenPosition } from "./append/seen-position.js";
import { loadPG } from "./client/load-pg.js";
import { maxConnectionsOf, PGClient, type PGClientSettings, type PGPool } from "./client/pg-client.js";
import { StoreHistory } from "./history/store-history.js";
import { PostgresMaintenance } from "./maintenance/postgres-maintenance.js";
import { PostgresNotifier } from "./notify/postgres-notifier.js";
import { checkPooling } from "./open/check-pooling.js";
import { openStore } from "./open/open-store.js";
import { type OpeningFigures, readOpeningFigures } from "./open/opening-figures.js";
import { storeNames } from "./open/schema.js";
import { answerTimeoutMs, openSession, type Session } from "./open/session.js";
import { storageError } from "./postgres-errors.js";
import {
  type PostgresConnectionSource,
  type PostgresOptions,
  type PostgresSettings,
  parsePostgresOptions,
} from "./postgres-options.js";
import { PostgresStorageHandle } from "./postgres-storage-handle.js";
import { EventReads, REPLICA_STATEMENT_TIMEOUT_MS, REPLICA_TIMEOUT_MS } from "./read/event-reads.js";
import type { ReadContext } from "./read/filter-sql.js";
import { ReadPool } from "./read/read-pool.js";
import { WriteQueue } from "./transaction/write-queue.js";
import { Writer } from "./transaction/writer.js";

/** A store in a PostgreSQL database. */
export type PostgresStreamFactory = TransactionalStreamFactory & AdministrableStreamFactory & MaintainableStreamFactory;

/** A factory over an open store, whose disposal takes no longer than `commandTimeoutMs`. */
export function createPostgresFactory(
  backend: PostgresBackend,
  backup: StoreMaintenance["backup"],
): PostgresStreamFactory {
  const { verifier, ...parts } = backend;
  const maintenance = { verify: (options?: VerifyOptions) => verifier.verify(options), backup };
  const factory: PostgresStreamFactory = createStreamFactory({ ...parts, maintenance });
  const dispose = factory[Symbol.asyncDispose].bind(factory);
  return Object.assign(factory, { [Symbol.asyncDispose]: () => backend.storage.disposeInTime(dispose) });
}

/** The parts of a store in PostgreSQL: the storage handle, the notifier, and what checks it. */
export interface PostgresBackend extends StreamBackend<PostgresStorageHandle> {
  readonly verifier: Pick<StoreMaintenance, "verify">;
}

/** Opens the parts of a store. */
export async function openPostgresBackend(
  connection: PostgresConnectionSource,
  options?: PostgresOptions,
): Promise<PostgresBackend> {
  try {
    const settings = parsePostgresOptions(options);
    const { connectTimeoutMs } = settings;
    const timeouts = { connectTimeoutMs, answerTimeoutMs: answerTimeoutMs(settings) };
    const client = await clientOf("connection", connection, timeouts, MIN_CONNECTIONS);
    return await openBackend({ client, replica: await replicaOf(settings) }, settings);
  } catch (error) {
    throw inCall(error, "open the store in PostgreSQL", undefined);
  }
}

/** The connections of a store that do not read: one that writes, and one that listens. */
const UNREAD_CONNECTIONS = 2;

/** The fewest connections that a store takes. */
const MIN_CONNECTIONS = UNREAD_CONNECTIONS + 1;

/** What a store is opened with. */
interface Clients {
  readonly client: PGClient;
  readonly replica: PGClient | undefined;
}

async function replicaOf({ replica, connectTimeoutMs }: PostgresSettings): Promise<PGClient | undefined> {
  if (replica === undefined) return undefined;
  const timeouts = {
    connectTimeoutMs: Math.min(connectTimeoutMs, REPLICA_TIMEOUT_MS),
    answerTimeoutMs: REPLICA_TIMEOUT_MS,
  };
  return clientOf("replica", replica, timeouts, 1);
}

async function clientOf(
  argument: "connection" | "replica",
  connection: unknown,
  timeouts: PGClientSettings,
  minConnections: number,
): Promise<PGClient> {
  const isSource =
    (typeof connection === "string" && connection !== "") || (typeof connection === "object" && connection !== null);
  if (!isSource) {
    const expected = "expected a connection string, the options of the client, or a pool";
    throw invalidArgument(
      argument,
      `${expected}, got ${typeof connection === "string" ? '""' : describeValue(connection)}`,
    );
  }
  const max = maxConnectionsOf(connection);
  if (max < minConnections) {
    throw invalidArgument(
      argument,
      `a pool of ${max} is too small; a store takes ${minConnections} connections or more`,
    );
  }
  const pg = await loadPG();
  const source =
    typeof connection === "string" ? { connectionString: connection } : (connection as PGPool | ClientConfig);
  try {
    return new PGClient(pg, source, timeouts);
  } catch {
    // Its message may have the password.
    throw invalidArgument(argument, "it is no connection string, such as postgresql://user@host:5432/database");
  }
}

async function openBackend({ client, replica }: Clients, settings: PostgresSettings): Promise<PostgresBackend> {
  const { location } = client;
  const { now, findMisuse } = settings;
  const names = storeNames(settings.schema);
  try {
    const session = await openSession(client, settings, "write");
    try {
      await checkPooling(client, session);
      const { indexes, hasAddedFunctions } = await openStore(session, { settings, names, location });
      const history = await StoreHistory.begin(session.connection, names);
      const context = { names, indexes, hasAddedFunctions, marks: history, history, location };
      const figures = await readOpeningFigures(session.connection, names);
      const { hasUnfinishedDeletions, isUnfinishedCopy } = figures;
      const parts = partsOf({ client, replica, session, context, settings, figures });
      return { ...parts, now, findMisuse, hasUnfinishedDeletions, isUnfinishedCopy };
    } catch (error) {
      await session.connection.close();
      throw error;
    }
  } catch (error) {
    throw storageError(error, "open the store", location);
  }
}

interface OpenedStore extends Clients {
  readonly session: Session;
  readonly context: ReadContext & Pick<StoringContext, "history" | "hasAddedFunctions">;
  readonly settings: PostgresSettings;
  readonly figures: OpeningFigures;
}

function partsOf({ client, replica, session, context, settings, figures }: OpenedStore) {
  const { applicationSchema, now, notify, pollIntervalMs, connectTimeoutMs, commandTimeoutMs } = settings;
  // A read would wait for one that a pool has not got.
  const readPoolSize = Math.min(settings.readPoolSize, client.maxConnections - UNREAD_CONNECTIONS);
  const { history } = context;
  const open = async (kind: "write" | "read"): Promise<Session> =>
    checked(history, await openSession(client, settings, kind));
  const writer = new Writer(session, { ...context, connectTimeoutMs, commandTimeoutMs, open: () => open("write") });
  const reads = new ReadPool({
    size: readPoolSize,
    retryMs: connectTimeoutMs,
    open: () => open("read"),
    assertUnchanged: () => history.assertUnchanged(),
  });
  const openReplica =
    replica && (() => openSession(replica, { ...settings, commandTimeoutMs: REPLICA_STATEMENT_TIMEOUT_MS }, "replica"));
  const replicaPoolSize = Math.min(settings.readPoolSize, replica?.maxConnections ?? 1);
  const eventReads = new EventReads({ primary: reads, context, history, replicaPoolSize, openReplica });
  const feed = new CommitFeed();
  feed.connect((commit) => history.noteCommit(commit));
  const known = new KnownStreams();
  feed.connect((commit) => known.noteCommit(commit));
  const seen = new SeenPosition(figures.position);
  const queue = new WriteQueue({
    ...context,
    writer,
    feed,
    now,
    notify,
    seen,
    known,
    knownAppend: new KnownAppend(context.names),
  });
  const maintenance = new PostgresMaintenance({ ...context, applicationSchema, reads, open: () => open("read") });
  const storage = new PostgresStorageHandle({
    ...context,
    reads,
    eventReads,
    queue,
    writer,
    maintenance,
    commandTimeoutMs,
  });
  const listen = notify ? () => client.connect() : undefined;
  const notifier = new PostgresNotifier({ ...context, feed, reads, pollIntervalMs, open: listen });
  return { storage, notifier, verifier: maintenance };
}

/** Every new connection may be to another server. */
async function checked(history: StoreHistory, session: Session): Promise<Session> {
  try {
    await history.check(session.connection);
    return session;
  } catch (error) {
    await session.connection.close();
    throw error;
  }
}
