import type { StoreContents } from "../../../protocols/index.js";
import type { Session } from "../open/session.js";
import { type ContentsContext, PostgresContents } from "./postgres-contents.js";

/** What an export needs of the store. */
export interface ExportContext extends ContentsContext {
  readonly open: () => Promise<Session>;
}

/**
 * Runs a task on one state of the store. It has a connection of its own, however long it takes: reads of the application do not
 * wait for it, and the server keeps what was removed meanwhile.
 */
export async function exportContents<T>(
  context: ExportContext,
  work: (contents: StoreContents) => Promise<T>,
): Promise<T> {
  const { connection } = await context.open();
  try {
    // There are a few statements that read a whole index, or sort a table.
    connection.answerTimeoutMs = undefined;
    // The first query decides what the transaction sees. It is idle while the other store takes what was read.
    await connection.script(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout TO 0;
       SET LOCAL idle_in_transaction_session_timeout TO 0; SELECT 1`,
    );
    return await work(new PostgresContents(connection, context));
  } finally {
    await connection.close();
  }
}
