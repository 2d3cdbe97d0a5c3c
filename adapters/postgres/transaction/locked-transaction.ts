import type { PostgresConnection } from "../client/client.js";
import type { StoreHistory } from "../history/store-history.js";
import { storeIdentity } from "../history/store-mark.js";
import type { StoreNames } from "../open/schema.js";

/** The store that is locked. */
export interface LockedStore {
  readonly names: StoreNames;
  readonly history: StoreHistory;
}

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
 * @throws StoreChangedError when it is not the store that this process has seen
 */
export async function beginLocked(
  connection: PostgresConnection,
  { names: { prefix, lockKey }, history }: LockedStore,
  options: LockedTransactionOptions = {},
): Promise<number> {
  const { rows } = await connection.script<{ head: number; identity: string | null }>(`
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    ${limitsScript(options)}
    SELECT pg_advisory_xact_lock(${lockKey});
    SELECT coalesce(max(position), 0) AS head, (SELECT ${storeIdentity("s")} FROM ${prefix}es_store s) AS identity
    FROM ${prefix}es_events`);
  if (rows[0]?.identity !== history.identity) await checkOrRollBack(connection, history);
  const { head } = rows[0] as { head: number };
  history.notePosition(head);
  return head;
}

/** Statements that set the limits of a transaction. */
export function limitsScript({
  isLong = false,
  idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS,
}: LockedTransactionOptions): string {
  return `
    SET LOCAL idle_in_transaction_session_timeout TO ${isLong ? LONG_IDLE_TIMEOUT_MS : Math.ceil(idleTimeoutMs)};
    ${isLong ? "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;" : ""}`;
}

async function checkOrRollBack(connection: PostgresConnection, history: StoreHistory): Promise<void> {
  try {
    await history.check(connection);
  } catch (error) {
    if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
    throw error;
  }
}
