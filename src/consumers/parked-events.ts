import type { Records, TransactionalStreamFactory } from "../../protocols/index.js";
import { type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { checkOptions, checkPlace, checkStreamId, invalidArgument } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import type { ParkedEvent } from "./consumer.js";
import { type ParkedState, readGroup, readParked, writeGroup } from "./consumer-records.js";
import { dropPlace } from "./drop-places.js";
import { markDue } from "./mark-due.js";
import { RECORDS_TIMEOUT_MS } from "./run-context.js";
import { consumersOf } from "./running-consumers.js";
import { checkConsumerName } from "./settings.js";

/**
 * What a consumer has parked, in the order of positions.
 *
 * @throws InvalidArgumentError when the name is invalid; StorageError `STORAGE_CORRUPT` when a record is damaged.
 *
 * @example
 * ```ts
 * for await (const { streamId, position, error } of parked(streams, "mail")) console.log(streamId, position, error);
 * ```
 */
export function parked(streams: TransactionalStreamFactory, consumer: string): AsyncIterable<ParkedEvent> {
  return { [Symbol.asyncIterator]: () => listParked(streams, consumer) };
}

async function* listParked(streams: TransactionalStreamFactory, consumer: string): AsyncGenerator<ParkedEvent, void> {
  const access = prepare(streams, consumer, "list parked events");
  const found = await inRecords(access, "parked", (records) => readParked(records, consumer));
  for (const { value } of found) {
    const { streamId, position, attempts, error, parkedAtMs } = value;
    yield { consumer, streamId, position, attempts, error, parkedAt: new Date(parkedAtMs) };
  }
}

/**
 * Has parked events tried again, each stream from its first, by whoever runs the consumer. A stream stops at the first that
 * fails again.
 *
 * @returns how many were released
 * @throws InvalidArgumentError when an argument is invalid.
 */
export async function retryParked(
  streams: TransactionalStreamFactory,
  consumer: string,
  which: { readonly streamId?: string | undefined } = {},
): Promise<number> {
  const access = prepare(streams, consumer, "retry parked events", () => {
    checkOptions(which, { streamId: true });
    if (which.streamId !== undefined) checkStreamId(which.streamId);
  });
  const { streamId } = which;
  const count = await inRecords(access, "retryParked", async (records) => {
    const found = await readGroup(records, consumer);
    if (found === null) return 0;
    const isChosen = (state: ParkedState): boolean => streamId === undefined || state.streamId === streamId;
    const marked = await markDue(records, consumer, found, isChosen);
    if (marked.count > 0) await writeGroup(records, consumer, marked.group);
    return marked.count;
  });
  for (const run of consumersOf(access, consumer)) run.renew();
  return count;
}

/**
 * Gives a parked event up for good. What waits behind it is tried.
 *
 * @returns false when it is not parked
 * @throws InvalidArgumentError when an argument is invalid.
 */
export async function dropParked(
  streams: TransactionalStreamFactory,
  consumer: string,
  which: { readonly position: number },
): Promise<boolean> {
  const access = prepare(streams, consumer, "drop a parked event", () => {
    checkOptions(which, { position: true });
    checkPlace("position", which.position);
    if (which.position === undefined) throw invalidArgument("position", "expected a position");
  });
  const isDropped = await inRecords(access, "dropParked", (records) => dropPlace(records, consumer, which.position));
  for (const run of consumersOf(access, consumer)) run.renew();
  return isDropped;
}

function prepare(streams: unknown, consumer: string, attempt: string, check?: () => void): StoreAccess {
  const access = storeAccessOf(streams, attempt);
  inAttempt(attempt, access.location, () => {
    checkConsumerName(consumer);
    check?.();
  });
  return access;
}

function inRecords<T>(access: StoreAccess, call: string, work: (records: Records) => Promise<T>): Promise<T> {
  const plan = { timeoutMs: RECORDS_TIMEOUT_MS, signal: undefined };
  return access.run(call, (_, callSession) => callSession(call, ({ records }) => work(records)), plan);
}
