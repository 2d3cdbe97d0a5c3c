import { onAbort } from "../../../src/watch/abort-listeners.js";
import type { Backend, Session } from "./session.js";

/**
 * Runs a task that uses a session, and cancels its statement when the signal is aborted.
 *
 * @param openApart - opens a connection that cancels it: all others may be busy
 */
export async function cancellable<T>(
  { connection, backend }: Session,
  signal: AbortSignal | undefined,
  openApart: () => Promise<Session>,
  task: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return task();
  signal.throwIfAborted();
  let cancelling: Promise<unknown> | undefined;
  const stopListening = onAbort(signal, () => {
    cancelling = cancelStatement(backend, openApart).catch(() => connection.destroy());
  });
  try {
    return await task();
  } finally {
    stopListening();
    // A cancellation that comes late would end somebody else's statement.
    await cancelling;
  }
}

async function cancelStatement({ processId, startedAt }: Backend, openApart: () => Promise<Session>): Promise<void> {
  const { connection } = await openApart();
  try {
    await connection.query({
      text: "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND backend_start::text = $2",
      values: [processId, startedAt],
    });
  } finally {
    await connection.close();
  }
}
