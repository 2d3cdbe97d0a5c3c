import type { CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../../../src/limits.js";
import type { StoringContext } from "../append/append-run.js";
import { ConnectionLostError, type PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import type { Session } from "../open/session.js";
import { outcomeUnknown, storageError } from "../postgres-errors.js";
import { beginLocked } from "./locked-transaction.js";
import type { PendingTransaction } from "./pending-call.js";
import { PostgresSession } from "./postgres-session.js";
import type { Writer } from "./writer.js";

/** The context of writes. */
export interface WritingContext extends StoringContext {
  readonly writer: Writer;
  readonly feed: CommitFeed;
}

/** How much longer than its time limit a transaction may be idle until the server ends it: its process has stopped. */
const IDLE_GRACE_MS = 1_000;

/** Runs a transaction of the application's, and settles its call. */
export async function runTransaction(
  pending: PendingTransaction,
  { connection, backend }: Session,
  context: WritingContext,
): Promise<void> {
  const { names, location, writer, feed } = context;
  let transaction: number | undefined;
  let session: PostgresSession | undefined;
  let result: unknown;
  const { answerTimeoutMs } = connection;
  try {
    const head = await begin(pending, connection, names);
    session = new PostgresSession(connection, head, context);
    try {
      result = await pending.work(session);
    } catch (error) {
      // What a callback has thrown is its caller's, and stays as it is.
      pending.fail(error);
      await connection.script("ROLLBACK").catch(() => connection.destroy());
      return;
    }
    await writer.commit(connection, (number) => {
      transaction = number;
    });
  } catch (error) {
    if (!(error instanceof ConnectionLostError) || transaction === undefined) {
      if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
      return pending.fail(storageError(error, pending.attempt, location));
    }
    const sent = transaction;
    connection.destroy();
    try {
      const isStored = await writer.settle(backend, (fresh) => writer.hasCommitted(fresh, sent));
      if (!isStored) return pending.fail(storageError(error, pending.attempt, location));
    } catch (cause) {
      return pending.fail(outcomeUnknown(cause, pending.attempt, location));
    }
  } finally {
    connection.answerTimeoutMs = answerTimeoutMs;
  }
  for (const commit of session?.commits ?? []) feed.publish(commit);
  pending.succeed(result);
}

function begin({ options }: PendingTransaction, connection: PostgresConnection, names: StoreNames): Promise<number> {
  const { isAlone = false, timeoutMs = MAX_TRANSACTION_TIMEOUT_MS } = options;
  if (!isAlone) return beginLocked(connection, names, { idleTimeoutMs: timeoutMs + IDLE_GRACE_MS });
  connection.answerTimeoutMs = undefined;
  return beginLocked(connection, names, { isLong: true });
}
