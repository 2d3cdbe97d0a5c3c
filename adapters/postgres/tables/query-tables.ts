import type { SQLStatement, SQLValue } from "../../../protocols/index.js";
import { onAbort } from "../../../src/watch/abort-listeners.js";
import type { Session } from "../open/session.js";
import { storageError } from "../postgres-errors.js";
import type { ReadPool } from "../read/read-pool.js";
import { renderStatement } from "./render-statement.js";
import { attemptOfStatement } from "./table-statements.js";

/**
 * Runs a statement that only reads: the server sees to that. What it changes of the session is undone with the transaction.
 *
 * @param signal - cancels the statement while it runs
 */
export async function queryTables(
  reads: ReadPool,
  statement: SQLStatement,
  signal: AbortSignal | undefined,
  location: string,
): Promise<Record<string, SQLValue>[]> {
  const rendered = renderStatement(statement);
  try {
    return await reads.useOnce((session) =>
      cancellable(reads, session, signal, async () => {
        const { connection } = session;
        await connection.script("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL enable_seqscan TO DEFAULT");
        try {
          const { rows } = await connection.queryTables(rendered.text, rendered.values);
          return rows as Record<string, SQLValue>[];
        } finally {
          if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
        }
      }),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw storageError(error, attemptOfStatement(rendered), location);
  }
}

async function cancellable<T>(
  reads: ReadPool,
  { connection, backend }: Session,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return run();
  signal.throwIfAborted();
  let cancelling: Promise<unknown> | undefined;
  const stopListening = onAbort(signal, () => {
    cancelling = reads.cancel(backend).catch(() => connection.destroy());
  });
  try {
    return await run();
  } finally {
    stopListening();
    // A cancellation that comes late would end somebody else's statement.
    await cancelling;
  }
}
