import type { Records } from "../../protocols/index.js";
import { type FailingState, type GroupState, type ParkedState, readParked, writeParked } from "./consumer-records.js";
import { succeededIn } from "./outage.js";

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

/** What all partitions share once something has succeeded in a process. What was parked on the way into an outage is due. */
export function endFailing(records: Records, consumer: string, group: GroupState, owner: string): Promise<GroupState> {
  const streams = [...parkedIn(group.failing), ...parkedIn(group.members[owner]?.failing)];
  return markStreamsDue(records, consumer, succeededIn(group, owner), streams);
}

/** What all partitions share once these are its processes. What was parked in the outage of one that is gone is due, too. */
export async function keepMembers(
  records: Records,
  consumer: string,
  group: GroupState,
  members: GroupState["members"],
): Promise<GroupState> {
  const gone = Object.entries(group.members).filter(([owner]) => !Object.hasOwn(members, owner));
  const streams = gone.flatMap(([, { failing }]) => parkedIn(failing));
  const { failing } = group;
  if (failing?.isOutage && streams.length > 0) {
    // They wait for the end of that of all. What a process has set aside is not parked: it leaves nothing.
    const found = (await readParked(records, consumer)).map(({ value }) => value.streamId);
    const waiting = new Set([...failing.streams, ...found.filter((streamId) => streams.includes(streamId))]);
    return { ...group, members, failing: { ...failing, streams: [...waiting] } };
  }
  return markStreamsDue(records, consumer, { ...group, members }, streams);
}

async function markStreamsDue(
  records: Records,
  consumer: string,
  group: GroupState,
  streamIds: readonly string[],
): Promise<GroupState> {
  if (streamIds.length === 0) return group;
  return (await markDue(records, consumer, group, ({ streamId }) => streamIds.includes(streamId))).group;
}

const parkedIn = (failing: FailingState | null | undefined): readonly string[] =>
  failing?.isOutage ? failing.streams : [];
