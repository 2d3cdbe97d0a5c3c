import type { SQLiteConnection } from "../drivers/driver.js";

/**
 * Runs a statement that ends when the signal is aborted, where the driver can do that.
 *
 * @throws the signal's reason
 */
export async function interruptible<T>(
  connection: SQLiteConnection,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const interrupt = () => connection.interrupt?.();
  signal?.addEventListener("abort", interrupt);
  try {
    return await task();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
}
