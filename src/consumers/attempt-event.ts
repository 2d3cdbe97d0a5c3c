import { isStreamError, type Records, StorageError, type StoredEvent } from "../../protocols/index.js";
import { isPassingFailure } from "../leases/passing-failure.js";
import type { Undo } from "../leases/undo.js";
import { DEFAULT_TRANSACTION_TIMEOUT_MS } from "../limits.js";
import { isThenable } from "../validate/is-thenable.js";
import { thrownText } from "../validate/thrown-text.js";
import { thrownValue } from "../validate/thrown-value.js";
import { type AttemptContext, attempt, type Outcome } from "./attempt.js";
import { causedBy, keyPrefix } from "./caused-by.js";
import { causelessKeys } from "./causeless-keys.js";
import type { ConsumerFailure, HandlerContext } from "./consumer.js";
import { isFenced, type Partition, STORAGE_RETRY_MS } from "./partition.js";
import { tell } from "./run-context.js";

/** The error of an event that has ended the process with its last attempt. */
export const LAST_ENDED = "The process ended during the last attempt.";

/** The store failed, and not the handler. */
export class StoreFailure extends Error {
  /** How long it is left alone. @throws its error where trying again does not help */
  get delayMs(): number {
    if (isPassingFailure(this.cause)) return STORAGE_RETRY_MS;
    throw this.cause;
  }
}

/**
 * Makes one attempt to handle an event.
 *
 * @param checkpoint - what `transact` stores with it
 */
export async function attemptEvent(
  partition: Partition,
  event: StoredEvent,
  count: number,
  checkpoint: (records: Records, undo: Undo) => Promise<void>,
): Promise<Outcome> {
  const { definition, settings } = partition.context;
  const beganMs = performance.now();
  const outcome = await attempt(
    async ({ signal, abort }) => {
      const context: HandlerContext = { attempt: count, fencingToken: partition.lease.fencingToken, signal };
      // Which events it gets is said by its definition.
      if (definition.transact === undefined) await definition.handle?.(event as never, context);
      else await transact(partition, event, { ...context, abort }, checkpoint);
    },
    {
      timeoutMs: settings.handlerTimeoutMs,
      ending: partition.ending,
      onStuck: (error) => report(partition, event, { attempt: count, error, next: "retry", delayMs: 0 }),
    },
  );
  const durationMs = performance.now() - beganMs;
  const kind = outcome.kind === "done" ? "handled" : outcome.kind;
  tell({ consumer: definition.name, kind, event, attempt: count, durationMs });
  // It was done, but somebody else has the partition now.
  return partition.isLost ? { kind: "interrupted" } : outcome;
}

/**
 * Runs `transact`, and once more where a key is stored with another event: `handle` may have stored it before it was replaced.
 * Such an event does not name its cause, and would be another one if it did. So the second time it looks which keys these are.
 */
async function transact(
  partition: Partition,
  event: StoredEvent,
  context: HandlerContext & AttemptContext,
  checkpoint: (records: Records, undo: Undo) => Promise<void>,
): Promise<void> {
  const { name } = partition.context.definition;
  try {
    return await transactOnce(partition, event, context, checkpoint, false);
  } catch (error) {
    if (context.signal.aborted || !isStreamError(error, "IDEMPOTENCY_CONFLICT")) throw error;
    if (!error.idempotencyKey.startsWith(keyPrefix(name, event))) throw error;
  }
  return transactOnce(partition, event, context, checkpoint, true);
}

async function transactOnce(
  partition: Partition,
  event: StoredEvent,
  { abort, ...context }: HandlerContext & AttemptContext,
  checkpoint: (records: Records, undo: Undo) => Promise<void>,
  looksForCauseless: boolean,
): Promise<void> {
  const { access, definition } = partition.context;
  const undo: Undo = [];
  let isHandling = false;
  let hasHandled = false;
  let isRunning = false;
  let handling = Promise.resolve();
  partition.isTransacting = true;
  try {
    await access.run(
      `run consumer "${definition.name}"`,
      async (tx, call) => {
        // First, so that an owner that was fenced off loses before it does anything.
        await call("write the checkpoint", ({ records }) => checkpoint(records, undo));
        const findCauseless = (streamId: string, keys: readonly string[]): Promise<ReadonlySet<string>> =>
          call("look up what is stored", (session) => causelessKeys(session, streamId, keys, event));
        const caused = causedBy(event, definition.name, tx, looksForCauseless ? findCauseless : undefined);
        isHandling = true;
        handling = (async () => {
          isRunning = true;
          try {
            await definition.transact?.(event as never, caused, context);
          } catch (error) {
            throw thrownValue(error);
          } finally {
            isRunning = false;
          }
        })();
        await handling;
        isHandling = false;
        hasHandled = true;
      },
      { timeoutMs: DEFAULT_TRANSACTION_TIMEOUT_MS, signal: context.signal },
    );
  } catch (error) {
    for (const takeBack of undo.reverse()) takeBack();
    if (isFenced(error)) partition.lose();
    partition.isTransacting = false;
    // The transaction may end before its handler does: an event is never handled twice at a time.
    if (isRunning) abort(error);
    await handling.catch(() => undefined);
    const isLateAgain = noteLateCommit(partition, event, hasHandled ? error : undefined);
    const isOfStore = error instanceof StorageError || isPassingFailure(error);
    if (isHandling || isLateAgain || !isOfStore) throw error;
    throw new StoreFailure("The store failed.", { cause: error });
  } finally {
    partition.isTransacting = false;
  }
}

/**
 * A process that was suspended ran out of time with an event that is none the worse for it: it gets a second time.
 *
 * @param error - what the commit has failed with, if it has
 * @returns whether this is not the first time in a row
 */
function noteLateCommit(partition: Partition, { position }: StoredEvent, error: unknown): boolean {
  const isLate = isStreamError(error, "TRANSACTION_TIMEOUT");
  const isAgain = isLate && partition.lateCommit === position;
  partition.lateCommit = isLate ? position : undefined;
  return isAgain;
}

/** Tells `onError`, whose own errors are no failures of the event. */
export function report(
  { context: { definition, settings } }: Partition,
  event: StoredEvent,
  failure: Omit<ConsumerFailure, "consumer" | "event">,
): void {
  const warn = (error: unknown): void =>
    process.emitWarning(`onError of consumer "${definition.name}" threw: ${thrownText(error)}`, "StreamWarning");
  try {
    const told: unknown = settings.onError({ consumer: definition.name, event, ...failure });
    if (isThenable(told)) void told.then(undefined, warn);
  } catch (error) {
    warn(error);
  }
}
