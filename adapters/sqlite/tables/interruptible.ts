import { onAbort } from "../../../src/watch/abort-listeners.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** How often a statement is interrupted until it has ended: it may not run yet when its signal is aborted. */
const INTERRUPT_INTERVAL_MS = 10;

// An interrupt lasts until SQLite has nothing that runs. This ends it before the connection is lent to others: it has no white
// space, at which an interrupt would end its compilation.
const CLEAR_INTERRUPT = "VALUES(1)";

/**
 * Runs a statement that ends when the signal is aborted, where the driver can do that. The next one on the connection is not
 * affected.
 *
 * @throws the signal's reason
 */
export function interruptible<T>(
  connection: SQLiteConnection,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (signal === undefined || connection.interrupt === undefined) return task();
  return interrupting(connection, signal, task);
}

/** It is apart, so that a statement that cannot be interrupted has no promise more: a projection waits for each of them. */
async function interrupting<T>(connection: SQLiteConnection, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  let repeating: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt?.();
    repeating = setInterval(() => connection.interrupt?.(), INTERRUPT_INTERVAL_MS);
  };
  const stopListening = onAbort(signal, interrupt);
  try {
    return await task();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stopListening();
    clearInterval(repeating);
    if (signal.aborted) await connection.all(CLEAR_INTERRUPT);
  }
}
