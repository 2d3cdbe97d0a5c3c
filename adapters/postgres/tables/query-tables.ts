import { type SQLStatement, type SQLValue, StorageError } from "../../../protocols/index.js";
import { untilAborted } from "../../../src/watch/abort-listeners.js";
import { DatabaseError } from "../client/client.js";
import { cancellable } from "../open/cancellable.js";
import { releaseScript } from "../open/session.js";
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
    const reading = reads.use((connection, session) =>
      cancellable(session, signal, async () => {
        await connection.script(`BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
          SET LOCAL search_path TO ${session.applicationPath}; SET LOCAL enable_seqscan TO DEFAULT`);
        try {
          signal?.throwIfAborted();
          const { rows } = await connection.queryTables(rendered.text, rendered.values);
          return rows as Record<string, SQLValue>[];
        } finally {
          if (connection.isOpen)
            await connection.script(`ROLLBACK; ${releaseScript()}`).catch(() => connection.destroy());
        }
      }),
    );
    // It may still wait for a connection.
    return await untilAborted(reading, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw queryError(error, attemptOfStatement(rendered), location);
  }
}

const READ_ONLY_TRANSACTION = "25006";

/** Says why a query failed; of one that would change something, where that belongs. */
function queryError(error: unknown, attempt: string, location: string): Error {
  if (!(error instanceof DatabaseError) || error.code !== READ_ONLY_TRANSACTION) {
    return storageError(error, attempt, location);
  }
  const message = `Cannot ${attempt} in ${location}: query() only reads. Nothing was changed; use tx.sql.run() in a transaction.`;
  return new StorageError("STORAGE_READ_ONLY", message, { cause: error });
}
