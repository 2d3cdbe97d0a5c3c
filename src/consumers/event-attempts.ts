import type { StoredEvent } from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";
import { attemptEvent, LAST_ENDED, report, StoreFailure } from "./attempt-event.js";
import type { AttemptState, ParkedState } from "./consumer-records.js";
import type { ParkedStreams, Parking } from "./parked-streams.js";
import { type Partition, unsavedLimitOf } from "./partition.js";
import { type ReadEvent, readEvent, readGeneration } from "./read-event.js";
import { tell } from "./run-context.js";
import { isRetryable } from "./settings.js";

/** The error of an event that a process before has set aside: which one it was is not kept. */
const FAILED_BEFORE = "It came to the end of its attempts in an outage.";

/** Tries an event until it has succeeded or is parked or set aside, or the partition is not this process's any more. */
export async function attemptUntilSettled(partition: Partition, parked: ParkedStreams, read: ReadEvent): Promise<void> {
  const { settings, outage } = partition.context;
  const { event } = read;
  const known = attemptsAt(partition, event);
  // In an outage an event is at its last attempt all the time, and what ends the process may be anything.
  const ended = outage.isOn ? (known.unsettled ?? 0) : known.count;
  if (ended >= settings.retry.attempts) {
    await parked.park(event, known.count, LAST_ENDED);
    return;
  }
  const { attempt } = partition.lease.state;
  if (outage.isOn && attempt !== null && event.position < attempt.position) {
    // The process before had set it aside.
    const { streamId, position } = event;
    const state = { streamId, position, attempts: settings.retry.attempts, error: FAILED_BEFORE };
    return parked.aside.add({ ...state, parkedAtMs: Date.now(), isDue: true });
  }
  await attemptFrom(partition, parked, read, known);
}

/** Tries an event once more that was set aside. */
export async function tryAgain(partition: Partition, parked: ParkedStreams, state: ParkedState): Promise<void> {
  const generation = readGeneration(partition.context);
  let event: StoredEvent | undefined;
  try {
    event = await readEvent(partition.context, state.position);
  } catch (cause) {
    return partition.pause(new StoreFailure("The event cannot be read.", { cause }).delayMs);
  }
  if (event === undefined) parked.passed(state.position);
  else await attemptFrom(partition, parked, { event, generation }, { count: state.attempts, dueMs: 0 });
}

type Attempts = Omit<AttemptState, "position">;

async function attemptFrom(
  partition: Partition,
  parked: ParkedStreams,
  { event, generation }: ReadEvent,
  { count, dueMs, unsettled = 0 }: Attempts,
): Promise<void> {
  const { outage } = partition.context;
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
      if (again === "removed") return parked.passed(event.position);
      if (again === "failed") continue;
      event = again;
      generation = generationNow;
    }
    if (partition.lease.isOver && !(await partition.save({}))) return;
    count += 1;
    if (partition.careful > 0 && !(await countBefore(partition, event, { count, dueMs: Date.now(), unsettled })))
      return;
    const outcome = await attemptEvent(partition, event, count, (records, undo) =>
      parked.writeDone(records, event.position, undo),
    );
    if (outcome.kind === "interrupted") return uncount(partition, event, { count, dueMs: 0, unsettled });
    if (outcome.kind === "done") return done(partition, parked, event);
    if (outcome.error instanceof StoreFailure) {
      count -= 1;
      dueMs = Date.now() + outcome.error.delayMs;
      continue;
    }
    const next = await failed(partition, parked, event, count, outcome.error);
    if (next === undefined) return;
    dueMs = next;
    unsettled = 0;
  }
}

/** The attempts that were made before, by whichever process. */
function attemptsAt({ lease, context }: Partition, { position }: StoredEvent): Attempts {
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
function countBefore(partition: Partition, { position }: StoredEvent, { unsettled = 0, ...attempt }: Attempts) {
  const isLast = partition.careful === 1;
  const unsaved = isLast ? unsavedLimitOf(partition.context) : partition.careful - 1;
  // In an outage there are more attempts than are counted.
  const count = Math.min(attempt.count, partition.context.settings.retry.attempts);
  return partition.save({ attempt: { ...attempt, position, count, unsettled: unsettled + 1 }, unsaved });
}

/** An attempt that was interrupted does not count. */
async function uncount(partition: Partition, { position }: StoredEvent, attempt: Attempts): Promise<void> {
  if (partition.isLost || partition.lease.state.attempt?.position !== position) return;
  const count = Math.min(attempt.count, partition.context.settings.retry.attempts) - 1;
  await partition.save({ attempt: { ...attempt, position, count } });
}

async function done(partition: Partition, parked: ParkedStreams, event: StoredEvent): Promise<void> {
  const { context } = partition;
  if (!(await parked.done(event.position))) return;
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
  if (isWorthRetrying && count < retry.attempts) return retryLater(partition, event, count, error);
  if (onExhausted === "stop") {
    await partition.save({ attempt: lastAttempt(partition, event) });
    report(partition, event, { attempt: count, error, next: "stop", delayMs: 0 });
    throw error;
  }
  const park = { attempt: count, error, next: "park", delayMs: 0 } as const;
  if (!isWorthRetrying) {
    report(partition, event, park);
    await parked.park(event, count, thrownText(error));
    return undefined;
  }
  let parking: Parking;
  try {
    parking = await parked.park(event, count, thrownText(error), lastAttempt(partition, event));
  } catch (thrown) {
    // The consumer ends, as with one event too many: somebody should know what that one failed with.
    report(partition, event, park);
    throw thrown;
  }
  if (parking === "parked") report(partition, event, park);
  if (parking === "outage") reportPause(partition, event, count, error);
  return undefined;
}

function reportPause(partition: Partition, event: StoredEvent, attempt: number, error: unknown): void {
  const { definition, settings } = partition.context;
  const delayMs = settings.retry.maxDelayMs;
  report(partition, event, { attempt, error, next: "pause", delayMs });
  tell({ consumer: definition.name, kind: "paused", event, delayMs });
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
): Promise<number | undefined> {
  const { settings, outage } = partition.context;
  const { retry } = settings;
  // The power becomes infinity, and zero times that is no number.
  const growth = Math.min(Number.MAX_VALUE, retry.factor ** (count - 1));
  const delayMs = Math.random() * Math.min(retry.maxDelayMs, retry.minDelayMs * growth);
  // In an outage it waits for its turn.
  const dueMs = outage.isOn ? 0 : Date.now() + delayMs;
  if (!(await partition.save({ attempt: { position: event.position, count, dueMs } }))) return undefined;
  if (outage.isOn) reportPause(partition, event, count, error);
  else report(partition, event, { attempt: count, error, next: "retry", delayMs });
  return dueMs;
}

/** Has the next process that takes the partition make one attempt more. */
function lastAttempt({ context }: Partition, { position }: StoredEvent): AttemptState {
  const { attempts } = context.settings.retry;
  // No record has infinity, and of infinite attempts there is always one more.
  return { position, count: Number.isFinite(attempts) ? attempts - 1 : 0, dueMs: 0 };
}
