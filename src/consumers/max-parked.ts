import type { Records } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { type GroupState, type ParkedState, readParked } from "./consumer-records.js";
import type { RunContext } from "./run-context.js";

/** Whether the first parked event of a stream is to be tried: it was asked for, or what it waited behind is gone. */
export function isToBeTried({ isDue, error }: ParkedState): boolean {
  return isDue || error === null;
}

/**
 * Looks at what a transaction leaves parked. What is still to be tried again does not count, as after an outage: it may succeed.
 *
 * @param group - the record as the transaction leaves it; null: the consumer was dropped
 * @throws when it is more than may be parked: then it is not the events
 */
export async function checkParked(
  { definition: { name }, settings: { maxParked }, access }: RunContext,
  records: Records,
  group: GroupState | null,
): Promise<void> {
  const { parked = 0 } = group ?? {};
  if (parked <= maxParked || (await countLeft(records, name)) <= maxParked) return;
  throw new Error(
    `Consumer "${name}"${inStore(access.location)} has ended: more than maxParked (${maxParked}) events would be parked. It is not the events: find ` +
      "out what all of them fail with.",
  );
}

/** How many parked events are not tried again: their stream waits for somebody who asks for it. */
async function countLeft(records: Records, consumer: string): Promise<number> {
  const isLeft = new Map<string, boolean>();
  let count = 0;
  for (const { value } of await readParked(records, consumer)) {
    const { streamId } = value;
    const isOfLeft = isLeft.get(streamId) ?? !isToBeTried(value);
    isLeft.set(streamId, isOfLeft);
    if (isOfLeft) count += 1;
  }
  return count;
}
