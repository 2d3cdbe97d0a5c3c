import type { CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../../../src/limits.js";
import type { StoringContext } from "../append/append-run.js";
import { DatabaseError } from "../client/client.js";
import { cancellable } from "../open/cancellable.js";
import type { Session } from "../open/session.js";
import { outcomeUnknown, storageError } from "../postgres-errors.js";
import { beginLocked, type LockedTransactionOptions, limitsScript } from "./locked-transaction.js";
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

/** Runs a transaction of the application's, settles its call, and leaves nothing of it in the session. */
export async function runTransaction(
  pending: PendingTransaction,
  opened: Session,
  context: WritingContext,
): Promise<void> {
  const { connection } = opened;
  const { location, writer, feed, notify } = context;
  const running: Running = { pending, opened, context };
  let transaction: number | undefined;
  let done: DoneWork | undefined;
  const { answerTimeoutMs } = connection;
  try {
    done = await work(running);
    if (done === undefined) return;
    const notified = notify ? lastPosition(done.session) : undefined;
    await writer.commit(
      connection,
      { before: done.session.endScript(), notified, behind: resetOf(running) },
      (number) => {
        transaction = number;
      },
    );
  } catch (error) {
    if (transaction === undefined) {
      if (connection.isOpen) await rollBack(running);
      const { isAlone, signal } = pending.options;
      return pending.fail(isAlone && signal?.aborted ? signal.reason : storageError(error, pending.attempt, location));
    }
    try {
      const isStored = await wasCommitted(error, transaction, running);
      if (!isStored) return pending.fail(storageError(error, pending.attempt, location));
    } catch (cause) {
      return pending.fail(outcomeUnknown(cause, pending.attempt, location));
    }
  } finally {
    connection.answerTimeoutMs = answerTimeoutMs;
  }
  const { session, result } = done as DoneWork;
  for (const commit of session.commits) feed.publish(commit);
  pending.succeed(result);
}

/** A transaction that runs. */
interface Running {
  readonly pending: PendingTransaction;
  readonly opened: Session;
  readonly context: WritingContext;
  /** Once it has begun. */
  session?: PostgresSession;
}

/**
 * What ends the effects on the session. What a function, a trigger or a view of the application's does cannot be seen: it is
 * sent wherever a statement of the application's was run, in the query that ends the transaction anyway.
 */
function resetOf({ session, opened }: Running): string {
  return session?.sql.wasUsed ? opened.resetScript() : "";
}

async function rollBack(running: Running): Promise<void> {
  const { connection } = running.opened;
  await connection.script(`ROLLBACK; ${resetOf(running)}`).catch(() => connection.destroy());
}

/** Whether a transaction was committed whose commit was answered with an error: the reset behind it may have failed. */
async function wasCommitted(error: unknown, transaction: number, running: Running): Promise<boolean> {
  const { connection, backend } = running.opened;
  const { writer } = running.context;
  if (error instanceof DatabaseError) {
    await rollBack(running);
    const isStored = await writer.hasCommitted(connection, transaction).catch(() => undefined);
    // One that is there may have stopped waiting for its standbys: that warning is lost with the error.
    if (isStored === false) return false;
  }
  connection.destroy();
  return writer.settle(backend, (fresh) => writer.hasCommitted(fresh, transaction));
}

/** The position of the last event that it has stored. */
function lastPosition({ commits }: PostgresSession): number | undefined {
  return commits.at(-1)?.events.at(-1)?.position;
}

interface DoneWork {
  readonly session: PostgresSession;
  readonly result: unknown;
}

/** Begins the transaction and calls its callback. @returns undefined where the callback has failed, and so the call */
function work(running: Running): Promise<DoneWork | undefined> {
  const { pending, opened, context } = running;
  const { connection } = opened;
  const { isAlone = false, signal } = pending.options;
  return cancellable(opened, isAlone ? signal : undefined, async () => {
    const limits = limitsOf(pending);
    if (isAlone) connection.answerTimeoutMs = undefined;
    const head = await beginLocked(connection, context, limits);
    const resetScript = () => `${opened.resetScript()} ${limitsScript(limits)}`;
    const session = new PostgresSession(connection, head, context, opened, resetScript);
    running.session = session;
    try {
      return { session, result: await Promise.race([pending.work(session), pending.abandoned]) };
    } catch (error) {
      // What a callback has thrown is its caller's, and stays as it is.
      pending.fail(error);
      await rollBack(running);
      return undefined;
    }
  });
}

function limitsOf({ options }: PendingTransaction): LockedTransactionOptions {
  const { isAlone = false, timeoutMs = MAX_TRANSACTION_TIMEOUT_MS } = options;
  return isAlone ? { isLong: true } : { idleTimeoutMs: timeoutMs + IDLE_GRACE_MS };
}
