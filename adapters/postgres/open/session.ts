import { ConnectionLostError, type PostgresClient, type PostgresConnection } from "../client/client.js";
import type { PostgresSettings } from "../postgres-options.js";
import { quoteName, quoteText } from "../sql-text.js";

/** A connection with the settings of the store, and what tells its backend from any other. */
export interface Session {
  readonly connection: PostgresConnection;
  readonly backend: Backend;
  readonly server: ServerFigures;
  /** Cancels the statement that the backend runs. */
  readonly cancel: () => Promise<void>;
  /** The role of its beginning, as the server shows it. */
  readonly role: string;
  /** Where its statements look names up: nowhere but among the server's. */
  readonly searchPath: string;
  /** Where those of the application look them up. */
  readonly applicationPath: string;
  /** Statements before a commit: it is as durable as at the beginning, and warns where it is not, whatever was set since. */
  readonly commitSettings: string;
  /** Makes statements that end what those of the application have left in the session. */
  readonly resetScript: () => string;
}

/** A process of the server. The id alone may be another's later. */
export interface Backend {
  readonly processId: number;
  readonly startedAt: string;
}

/** What an opening checks, and what tells the server from another that takes its place. */
export interface ServerFigures {
  readonly startedAt: string;
  /** Such as 150018. */
  readonly version: number;
  readonly fsync: string;
  readonly fullPageWrites: string;
  /** The encoding of the database, such as UTF8. */
  readonly encoding: string;
}

/** What a session may do, and with which server: only that with a replica may be with a standby. */
export type SessionKind = "write" | "read" | "replica";

interface Row extends Omit<ServerFigures, "startedAt">, Backend {
  readonly serverStartedAt: string;
  readonly isStandby: string;
  readonly role: string;
  readonly synchronousCommit: string;
  readonly checkInterval: string;
}

/** How much longer a client waits for an answer than the server takes at most. */
const ANSWER_GRACE_MS = 2_000;

/** How long a client waits for an answer until it gives the connection up. */
export function answerTimeoutMs({ commandTimeoutMs }: Pick<PostgresSettings, "commandTimeoutMs">): number {
  return Math.min(commandTimeoutMs + ANSWER_GRACE_MS, 2 ** 31 - 1);
}

/**
 * Opens a connection, and makes its settings those that the store needs, whatever the server's or the role's are.
 *
 * @throws ConnectionLostError also while the server is a standby: it may be promoted
 */
export async function openSession(
  client: PostgresClient,
  settings: PostgresSettings,
  kind: SessionKind,
): Promise<Session> {
  const connection = await client.connect();
  try {
    const { rows } = await connection.script<Row>(
      `${settingsScript(settings, kind)} ${openingSettings(settings)} ${PREPARE_KEPT} ${FIGURES}`,
    );
    const { processId, startedAt, serverStartedAt, isStandby, role, synchronousCommit, checkInterval, ...figures } =
      rows[0] as Row;
    if (kind !== "replica" && isStandby === "t") throw new ConnectionLostError("the server is a standby");
    const server = { ...figures, startedAt: serverStartedAt };
    const backend = { processId, startedAt };
    const cancel = () => cancelStatement(client, backend);
    const made = `${settingsScript(settings, kind)} ${madeSettings({ version: figures.version, role, synchronousCommit, checkInterval })}`;
    const commitSettings = `SET LOCAL synchronous_commit TO ${synchronousCommit}; SET LOCAL client_min_messages TO warning;`;
    return {
      connection,
      backend,
      server,
      cancel,
      role,
      searchPath: SEARCH_PATH,
      applicationPath: quoteName(settings.applicationSchema),
      commitSettings,
      resetScript: () => resetScript(made),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function cancelStatement(client: PostgresClient, { processId, startedAt }: Backend): Promise<void> {
  const connection = await client.connectApart();
  try {
    await connection.query({
      text: "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND backend_start = $2::timestamptz",
      values: [processId, startedAt],
    });
  } finally {
    await connection.close();
  }
}

/**
 * Releases locks of the session, and seeds its random numbers anew: what a transaction that is rolled back can leave, too, and
 * one that only reads.
 */
export function releaseScript(): string {
  return `SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(${Math.random() * 2 - 1});`;
}

/** Fails where the session has lost its prepared statements: one that has is replaced behind the transaction that it lost them in. */
const EXECUTE_KEPT = "EXECUTE es_kept;";

// A pooler may hand a session on with what another client has prepared in it.
const PREPARE_KEPT = "DEALLOCATE ALL; PREPARE es_kept AS SELECT;";

// Not DISCARD ALL, which ends prepared statements, too. The user and the role are no settings that RESET ALL resets.
function resetScript(settings: string): string {
  return `
    RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; DISCARD TEMP; DISCARD SEQUENCES; UNLISTEN *; ${releaseScript()}
    ${settings} ${EXECUTE_KEPT}`;
}

/**
 * The library's tables have their schema in every statement. A type, an operator or a function of the application's would be taken
 * for the server's where it fits better, and a type that a temporary table has made wherever the path does not name pg_temp.
 */
const SEARCH_PATH = "pg_catalog, pg_temp";

function settingsScript(settings: PostgresSettings, kind: SessionKind): string {
  const { commandTimeoutMs } = settings;
  return `
    SET default_transaction_isolation TO 'read committed';
    SET default_transaction_read_only TO ${kind === "write" ? "off" : "on"};
    SET default_transaction_deferrable TO off;
    SET standard_conforming_strings TO on;
    SET client_encoding TO 'UTF8';
    SET bytea_output TO 'hex';
    SET DateStyle TO 'ISO';
    SET TimeZone TO 'UTC';
    SET IntervalStyle TO 'iso_8601';
    SET extra_float_digits TO 1;
    SET array_nulls TO on;
    SET client_min_messages TO warning;
    SET search_path TO ${SEARCH_PATH};
    SET statement_timeout TO ${commandTimeoutMs};
    SET lock_timeout TO ${Math.max(1, Math.floor(commandTimeoutMs * LOCK_SHARE))};
    SET enable_seqscan TO off;
    SET jit TO off;`;
}

/**
 * How often the server looks, while a statement runs, whether its client is still there: one that was killed, or that has given the
 * connection up, would hold the lock until the statement's end. Not all systems that a server runs on can tell.
 */
const CHECK_INTERVAL_MS = 1_000;

/** The settings that depend on the server, while nothing is known of it. */
function openingSettings({ durability }: PostgresSettings): string {
  const weaker = durability === "normal" ? "'on', 'local', 'remote_write', 'remote_apply'" : "'off', 'local'";
  return `
    SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 170000;
    SELECT set_config('client_connection_check_interval', '${CHECK_INTERVAL_MS}', false) WHERE version() ~ 'linux';
    SELECT set_config('synchronous_commit', '${durability === "normal" ? "off" : "on"}', false)
    WHERE current_setting('synchronous_commit') IN (${weaker});`;
}

/** The same as they were made then, with the role of the connection's beginning. A query would take longer than all of them. */
function madeSettings({
  version,
  role,
  synchronousCommit,
  checkInterval,
}: Pick<Row, "version" | "role" | "synchronousCommit" | "checkInterval">): string {
  const timeout = version >= 170_000 ? "SET transaction_timeout TO 0;" : "";
  return `${timeout} SET client_connection_check_interval TO ${quoteText(checkInterval)}; SET synchronous_commit TO ${synchronousCommit}; SET role TO ${quoteText(role)};`;
}

// Not pg_stat_activity: the plan of that view, with its joins, takes a new session longer than all else here.
const FIGURES = `
    SELECT pg_backend_pid() AS "processId", current_setting('server_version_num')::int AS version,
           pg_postmaster_start_time()::text AS "serverStartedAt", pg_is_in_recovery() AS "isStandby",
           current_setting('role') AS role, current_setting('synchronous_commit') AS "synchronousCommit", current_setting('client_connection_check_interval') AS "checkInterval", current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
           coalesce((SELECT backend_start::text FROM pg_stat_get_activity(pg_backend_pid())), '') AS "startedAt"`;

/** What part of its time a statement may wait for a lock, so that the reason is known when it gives up. */
const LOCK_SHARE = 0.9;
