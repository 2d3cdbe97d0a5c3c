import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";

/** How a transaction that holds the lock ends by itself. */
export interface LockedTransactionOptions {
  /** After how much time without a statement the server ends it, since every writer waits for it. */
  readonly idleTimeoutMs?: number;
  /** Whether statements, and waiting for the lock, may take any time. */
  readonly isLong?: boolean;
}

/** How long a process that has stopped holds up the others, where no callback runs between the statements. */
const DEFAULT_IDLE_TIMEOUT_MS = 800;

/** The same, while a transaction may take long. */
const LONG_IDLE_TIMEOUT_MS = 60_000;

/**
 * Begins a transaction that holds the store's lock: nobody else appends until its end.
 *
 * @returns the last position
 */
export async function beginLocked(
  connection: PostgresConnection,
  { prefix, lockKey }: StoreNames,
  { isLong = false, idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS }: LockedTransactionOptions = {},
): Promise<number> {
  const { rows } = await connection.script<{ head: number }>(`
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout TO ${isLong ? LONG_IDLE_TIMEOUT_MS : Math.ceil(idleTimeoutMs)};
    ${isLong ? "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;" : ""}
    SELECT pg_advisory_xact_lock(${lockKey});
    SELECT coalesce(max(position), 0) AS head FROM ${prefix}es_events`);
  return (rows[0] as { head: number }).head;
}
