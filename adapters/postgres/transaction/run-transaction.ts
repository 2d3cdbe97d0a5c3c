import type { CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../../../src/limits.js";
import type { StoringContext } from "../append/append-run.js";
import { ConnectionLostError, type PostgresConnection } from "../client/client.js";
import { cancellable } from "../open/cancellable.js";
import type { Session } from "../open/session.js";
import { outcomeUnknown, storageError } from "../postgres-errors.js";
import { beginLocked, type LockedStore } from "./locked-transaction.js";
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
  const { connection, reset } = opened;
  let session: PostgresSession | undefined;
  await runAndSettle(pending, opened, context, (begun) => {
    session = begun;
  });
  // Its call does not wait for this.
  if (session?.sql.mayHaveChangedSession && connection.isOpen) await reset().catch(() => connection.destroy());
}

async function runAndSettle(
  pending: PendingTransaction,
  opened: Session,
  context: WritingContext,
  onBegun: (session: PostgresSession) => void,
): Promise<void> {
  const { connection, backend } = opened;
  const { location, writer, feed } = context;
  let transaction: number | undefined;
  let done: DoneWork | undefined;
  const { answerTimeoutMs } = connection;
  try {
    done = await work(pending, opened, context, onBegun);
    if (done === undefined) return;
    const position = context.notify ? lastPosition(done.session) : undefined;
    await writer.commit(connection, position, (number) => {
      transaction = number;
    });
  } catch (error) {
    if (!(error instanceof ConnectionLostError) || transaction === undefined) {
      if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
      const { isAlone, signal } = pending.options;
      return pending.fail(isAlone && signal?.aborted ? signal.reason : storageError(error, pending.attempt, location));
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
  const { session, result } = done as DoneWork;
  for (const commit of session.commits) feed.publish(commit);
  pending.succeed(result);
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
function work(
  pending: PendingTransaction,
  opened: Session,
  context: WritingContext,
  onBegun: (session: PostgresSession) => void,
): Promise<DoneWork | undefined> {
  const { connection } = opened;
  const { isAlone = false, signal } = pending.options;
  return cancellable(opened, isAlone ? signal : undefined, async () => {
    const session = new PostgresSession(connection, await begin(pending, connection, context), context);
    onBegun(session);
    try {
      return { session, result: await Promise.race([pending.work(session), pending.abandoned]) };
    } catch (error) {
      // What a callback has thrown is its caller's, and stays as it is.
      pending.fail(error);
      await connection.script("ROLLBACK").catch(() => connection.destroy());
      return undefined;
    }
  });
}

function begin({ options }: PendingTransaction, connection: PostgresConnection, store: LockedStore): Promise<number> {
  const { isAlone = false, timeoutMs = MAX_TRANSACTION_TIMEOUT_MS } = options;
  if (!isAlone) return beginLocked(connection, store, { idleTimeoutMs: timeoutMs + IDLE_GRACE_MS });
  connection.answerTimeoutMs = undefined;
  return beginLocked(connection, store, { isLong: true });
}
