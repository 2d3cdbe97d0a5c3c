import type { StoredEvent } from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";
import { attemptEvent, report, StoreFailure } from "./attempt-event.js";
import type { AttemptState } from "./consumer-records.js";
import { LAST_ENDED, type ParkedStreams } from "./parked-streams.js";
import { type Partition, unsavedLimitOf } from "./partition.js";
import { type ReadEvent, readEvent, readGeneration } from "./read-event.js";
import { tell } from "./run-context.js";
import { isRetryable } from "./settings.js";

/** Tries an event until it has succeeded or is parked, or the partition is not this process's any more. */
export async function attemptUntilSettled(partition: Partition, parked: ParkedStreams, read: ReadEvent): Promise<void> {
  const { settings, outage } = partition.context;
  let { event, generation } = read;
  let { count, dueMs } = attemptsAt(partition, event);
  // In an outage an event is at its last attempt all the time, and what ends the process may be anything.
  const limit = settings.retry.attempts * (outage.isOn ? 2 : 1);
  if (count >= limit) {
    await parked.park(event, count, LAST_ENDED);
    return;
  }
  /** How many attempts of an outage do not count. */
  let beyond = 0;
  for (;;) {
    await partition.pause(dueMs - Date.now());
    await outage.turn(partition.draining);
    if (partition.draining.aborted) return;
    const generationNow = readGeneration(partition.context);
    if (generation !== generationNow) {
      // Somebody was forgotten since.
      const again = await readAgain(partition, event);
      // It may have taken long.
      if (partition.draining.aborted) return;
      if (again === "removed") return partition.passed(event.position);
      if (again === "failed") continue;
      event = again;
      generation = generationNow;
    }
    if (partition.lease.isOver && !(await partition.save({}))) return;
    count += 1;
    if (partition.careful > 0 && !(await countBefore(partition, event, count - beyond))) return;
    const outcome = await attemptEvent(partition, event, count, (records, undo) =>
      partition.lease.write(records, { position: event.position, attempt: null }, undo),
    );
    if (outcome.kind === "interrupted") return uncount(partition, event, count - beyond);
    if (outcome.kind === "done") return done(partition, event);
    if (outcome.error instanceof StoreFailure) {
      count -= 1;
      dueMs = Date.now() + outcome.error.delayMs;
      continue;
    }
    const next = await failed(partition, parked, event, count, outcome.error);
    if (next === undefined) return;
    dueMs = next;
    beyond = count - (partition.lease.state.attempt?.count ?? count);
  }
}

/** The attempts that were made before, by whichever process. */
function attemptsAt({ lease, context }: Partition, { position }: StoredEvent): Pick<AttemptState, "count" | "dueMs"> {
  const { attempt } = lease.state;
  return (attempt?.position === position ? attempt : context.pastAttempts(position)) ?? { count: 0, dueMs: 0 };
}

async function readAgain(partition: Partition, { position }: StoredEvent): Promise<StoredEvent | "removed" | "failed"> {
  try {
    return (await readEvent(partition.context, position)) ?? "removed";
  } catch (cause) {
    await partition.pause(new StoreFailure("The event cannot be read.", { cause }).delayMs);
    return "failed";
  }
}

/** Writes an attempt down before it is made: it may end the process. */
function countBefore(partition: Partition, { position }: StoredEvent, count: number): Promise<boolean> {
  const isLast = partition.careful === 1;
  const unsaved = isLast ? unsavedLimitOf(partition.context) : partition.careful - 1;
  return partition.save({ attempt: { position, count, dueMs: Date.now() }, unsaved });
}

/** An attempt that was interrupted does not count. */
async function uncount(partition: Partition, { position }: StoredEvent, count: number): Promise<void> {
  if (partition.isLost || partition.lease.state.attempt?.position !== position) return;
  await partition.save({ attempt: { position, count: count - 1, dueMs: 0 } });
}

async function done(partition: Partition, event: StoredEvent): Promise<void> {
  const { context } = partition;
  partition.passed(event.position);
  partition.succeeded();
  if (context.definition.transact === undefined) await partition.saveSoon();
}

/** @returns when the next attempt is due; undefined: there is none */
async function failed(
  partition: Partition,
  parked: ParkedStreams,
  event: StoredEvent,
  count: number,
  error: unknown,
): Promise<number | undefined> {
  const { retry, onExhausted } = partition.context.settings;
  const isWorthRetrying = mayRetry(partition, error);
  if (isWorthRetrying && count < retry.attempts) {
    // The power becomes infinity, and zero times that is no number.
    const growth = Math.min(Number.MAX_VALUE, retry.factor ** (count - 1));
    const limitMs = Math.min(retry.maxDelayMs, retry.minDelayMs * growth);
    return retryLater(partition, event, count, error, Math.random() * limitMs);
  }
  if (onExhausted === "stop") {
    await saveForNextStart(partition, event);
    report(partition, event, { attempt: count, error, next: "stop", delayMs: 0 });
    throw error;
  }
  const park = { attempt: count, error, next: "park", delayMs: 0 } as const;
  if (!isWorthRetrying) {
    report(partition, event, park);
    await parked.park(event, count, thrownText(error));
    return undefined;
  }
  let isOutage = false;
  try {
    isOutage = await parked.park(event, count, thrownText(error), true);
  } catch (thrown) {
    // The consumer ends, as with one event too many: somebody should know what that one failed with.
    report(partition, event, park);
    throw thrown;
  }
  if (!isOutage) {
    if (!partition.isLost) report(partition, event, park);
    return undefined;
  }
  if (!(await saveForNextStart(partition, event))) return undefined;
  report(partition, event, { attempt: count, error, next: "pause", delayMs: retry.maxDelayMs });
  tell({ consumer: partition.context.definition.name, kind: "paused", event, delayMs: retry.maxDelayMs });
  // It waits for its turn.
  return 0;
}

/** What `retryable` says; what it throws says nothing of the event, which is tried again as it would be without it. */
function mayRetry({ context: { definition, settings } }: Partition, error: unknown): boolean {
  try {
    return settings.retry.retryable(error);
  } catch (thrown) {
    const warning = `retry.retryable of consumer "${definition.name}" threw: ${thrownText(thrown)}`;
    process.emitWarning(warning, "StreamWarning");
    return isRetryable(error);
  }
}

async function retryLater(
  partition: Partition,
  event: StoredEvent,
  count: number,
  error: unknown,
  delayMs: number,
): Promise<number | undefined> {
  const dueMs = Date.now() + delayMs;
  if (!(await partition.save({ attempt: { position: event.position, count, dueMs } }))) return undefined;
  report(partition, event, { attempt: count, error, next: "retry", delayMs });
  return dueMs;
}

/** The next process that takes the partition makes one attempt more. */
function saveForNextStart(partition: Partition, { position }: StoredEvent): Promise<boolean> {
  const { attempts } = partition.context.settings.retry;
  // No record has infinity, and of infinite attempts there is always one more.
  const count = Number.isFinite(attempts) ? attempts - 1 : 0;
  return partition.save({ attempt: { position, count, dueMs: 0 } });
}
