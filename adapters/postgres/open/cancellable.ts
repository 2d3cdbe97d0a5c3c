import { onAbort } from "../../../src/watch/abort-listeners.js";
import type { Session } from "./session.js";

/** Runs a task that uses a session, and cancels its statement when the signal is aborted. */
export async function cancellable<T>(
  { connection, cancel }: Session,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return task();
  signal.throwIfAborted();
  let cancelling: Promise<unknown> | undefined;
  const stopListening = onAbort(signal, () => {
    cancelling = cancel().catch(() => connection.destroy());
  });
  try {
    return await task();
  } finally {
    stopListening();
    // A cancellation that comes late would end somebody else's statement.
    await cancelling;
  }
}
