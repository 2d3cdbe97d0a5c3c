import type { Records } from "../../protocols/index.js";
import { type GroupState, type ParkedState, readParked, writeParked } from "./consumer-records.js";

/** Marks parked events as due to be tried again. */
export async function markDue(
  records: Records,
  consumer: string,
  group: GroupState,
  isChosen: (parked: ParkedState) => boolean,
): Promise<{ readonly group: GroupState; readonly count: number }> {
  const chosen = (await readParked(records, consumer)).filter(({ value }) => isChosen(value));
  for (const { value } of chosen) if (!value.isDue) await writeParked(records, consumer, { ...value, isDue: true });
  return { group: chosen.length > 0 ? { ...group, retries: group.retries + 1 } : group, count: chosen.length };
}

/** What all partitions share once something has succeeded. What was parked on the way into an outage is due. */
export async function endFailing(
  records: Records,
  consumer: string,
  group: GroupState,
  alsoDue: readonly string[],
): Promise<GroupState> {
  const ofAll = group.failing?.isOutage ? group.failing.streams : [];
  return markStreamsDue(records, consumer, { ...group, failing: null }, [...ofAll, ...alsoDue]);
}

/** Marks what is parked of some streams as due to be tried again. */
export async function markStreamsDue(
  records: Records,
  consumer: string,
  group: GroupState,
  streamIds: readonly string[],
): Promise<GroupState> {
  if (streamIds.length === 0) return group;
  return (await markDue(records, consumer, group, ({ streamId }) => streamIds.includes(streamId))).group;
}
