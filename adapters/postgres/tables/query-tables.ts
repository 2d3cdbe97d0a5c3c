import type { SQLStatement, SQLValue } from "../../../protocols/index.js";
import { cancellable } from "../open/cancellable.js";
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
      cancellable(
        session,
        signal,
        () => reads.openApart(),
        async () => {
          const { connection } = session;
          await connection.script(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL enable_seqscan TO DEFAULT",
          );
          try {
            const { rows } = await connection.queryTables(rendered.text, rendered.values);
            return rows as Record<string, SQLValue>[];
          } finally {
            if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
          }
        },
      ),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw storageError(error, attemptOfStatement(rendered), location);
  }
}
