import type { JsonObject, Records, StoredRecord } from "../../protocols/index.js";
import { CONSUMER_GROUPS_SPACE, CONSUMERS_SPACE, PARKED_SPACE } from "../administration/reserved-spaces.js";
import { assertShape, isPlace, isText, isTextOrNull, type Shape } from "../leases/record-shapes.js";
import { recordsOf } from "../transaction/records-of.js";
import { isPlainObject } from "../validate/json-text.js";

/**
 * What all partitions of a consumer share.
 */
export type GroupState = {
  readonly partitions: number;
  /** The number that somebody has asked for: until it is the number, everybody gives back what he holds. Default: none. */
  readonly nextPartitions?: number;
  /** The last `restart` that was done. */
  readonly restart: string | null;
  /** Earlier numbers of partitions, and how far each of these was. */
  readonly history: readonly PastPartitions[];
  /** Who runs the consumer, until when that is known, and for how long they say so. */
  readonly members: { readonly [owner: string]: MemberState };
  /** How many events are parked. */
  readonly parked: number;
  /** Grows whenever parked events are to be tried again. */
  readonly retries: number;
  /** What has failed to the end in any process since something succeeded in one. Null, the default: nothing. */
  readonly failing?: FailingState | null;
};

export type FailingState = {
  /** The streams whose events were parked, one after the other. */
  readonly streams: readonly string[];
  /** Whether a further one has failed: then it is not their events. */
  readonly isOutage: boolean;
};

export type MemberState = {
  readonly untilMs: number;
  readonly leaseMs: number;
  /** What has failed to the end in this process since something succeeded in it. Null, the default: nothing. */
  readonly failing?: FailingState | null;
};

/** An earlier number of partitions. */
export type PastPartitions = {
  readonly partitions: number;
  /** What its partitions had done up to these is not done again. */
  readonly positions: readonly number[];
  /** The attempts at the events that came next. Default: none. */
  readonly attempts?: readonly AttemptState[];
};

/** The checkpoint of a partition, which is lease and fence in one: whoever writes it gives the revision that he knows. */
export type PartitionState = {
  /** Every event of the partition up to this position is handled or parked. */
  readonly position: number;
  /** Null: it was given back, and nothing was under way. */
  readonly owner: string | null;
  /** The end of the lease in milliseconds since 1970. */
  readonly untilMs: number;
  /** How many events behind `position` the owner may have handled without a checkpoint. */
  readonly unsaved: number;
  /** The event that has failed, or whose attempts are counted before they are made. */
  readonly attempt: AttemptState | null;
};

export type AttemptState = {
  readonly position: number;
  /** How many attempts were begun. */
  readonly count: number;
  /** When the next one may begin, in milliseconds since 1970. */
  readonly dueMs: number;
  /** How many of the last attempts have begun and may have ended their process. Default 0. */
  readonly unsettled?: number;
};

/** The place of a parked event. */
export type ParkedState = {
  readonly streamId: string;
  readonly position: number;
  readonly attempts: number;
  readonly error: string | null;
  readonly parkedAtMs: number;
  /** Whether somebody asked to have it tried again. */
  readonly isDue: boolean;
  /** How many of the attempts that were asked for have begun and may have ended their process. Default 0. */
  readonly unsettled?: number;
};

/** A record with its value's type. */
export interface RecordOf<Value> {
  readonly key: string;
  readonly value: Value;
  readonly revision: number;
}

const GROUP_SHAPE: Shape = {
  partitions: (value) => isPlace(value) && value !== 0,
  history: Array.isArray,
  members: (value) => typeof value === "object" && value !== null && isPlainObject(value),
  parked: isPlace,
  retries: isPlace,
  failing: (value) => value === undefined || value === null || Array.isArray((value as FailingState).streams),
};
const PARTITION_SHAPE: Shape = { position: isPlace, owner: isTextOrNull, untilMs: isPlace, unsaved: isPlace };
const PARKED_SHAPE: Shape = {
  streamId: isText,
  position: isPlace,
  attempts: isPlace,
  error: isTextOrNull,
  parkedAtMs: isPlace,
};

const POSITION_DIGITS = 16;

export const partitionKey = (consumer: string, index: number): string => `${consumer}/${index}`;
export const parkedKey = (consumer: string, position: number): string =>
  `${consumer}/${String(position).padStart(POSITION_DIGITS, "0")}`;

/** The consumer that a partition or a parked event belongs to. */
export const consumerOfKey = (key: string): string => key.slice(0, key.lastIndexOf("/"));

export async function readGroup(records: Pick<Records, "get">, consumer: string): Promise<GroupState | null> {
  const found = await records.get(CONSUMER_GROUPS_SPACE, consumer);
  if (found === null) return null;
  assertShape(CONSUMER_GROUPS_SPACE, found, GROUP_SHAPE, "consumers");
  return found.value as GroupState;
}

export async function writeGroup(records: Records, consumer: string, group: GroupState): Promise<void> {
  await records.put(CONSUMER_GROUPS_SPACE, consumer, group as unknown as JsonObject);
}

/** Changes what all partitions share, where it is still there. */
export async function changeGroup(
  records: Records,
  consumer: string,
  change: (group: GroupState) => Partial<GroupState>,
): Promise<GroupState | null> {
  const group = await readGroup(records, consumer);
  if (group === null) return null;
  const changed = { ...group, ...change(group) };
  await writeGroup(records, consumer, changed);
  return changed;
}

/** The partitions in the order of their numbers. */
export async function readPartitions(
  records: Pick<Records, "list">,
  consumer: string,
): Promise<RecordOf<PartitionState>[]> {
  const found = await listOf<PartitionState>(records, CONSUMERS_SPACE, consumer, PARTITION_SHAPE);
  return found.sort((a, b) => partitionOfKey(a.key) - partitionOfKey(b.key));
}

const partitionOfKey = (key: string): number => Number(key.slice(key.lastIndexOf("/") + 1));

/** @returns its revision */
export function writePartition(
  records: Records,
  key: string,
  state: PartitionState,
  expected: number | "any",
): Promise<number> {
  return records.put(CONSUMERS_SPACE, key, state as unknown as JsonObject, expected);
}

export function deletePartition(records: Records, key: string): Promise<void> {
  return records.delete(CONSUMERS_SPACE, key);
}

/** What is parked, in the order of positions. */
export function readParked(records: Records, consumer: string): Promise<RecordOf<ParkedState>[]> {
  return listOf<ParkedState>(records, PARKED_SPACE, consumer, PARKED_SHAPE);
}

export async function writeParked(records: Records, consumer: string, parked: ParkedState): Promise<void> {
  await records.put(PARKED_SPACE, parkedKey(consumer, parked.position), parked as unknown as JsonObject);
}

export async function isParked(records: Records, consumer: string, position: number): Promise<boolean> {
  return (await records.get(PARKED_SPACE, parkedKey(consumer, position))) !== null;
}

/** Those that nobody has given up meanwhile. */
export async function stillParked(
  records: Records,
  consumer: string,
  parked: readonly ParkedState[],
): Promise<ParkedState[]> {
  const kept: ParkedState[] = [];
  for (const state of parked) if (await isParked(records, consumer, state.position)) kept.push(state);
  return kept;
}

/** Deletes all that is parked, whatever the records have become. */
export async function deleteAllParked(records: Records, consumer: string): Promise<void> {
  for (const { key } of await listOf(records, PARKED_SPACE, consumer, {})) await records.delete(PARKED_SPACE, key);
}

export function deleteParked(records: Records, consumer: string, position: number): Promise<void> {
  return records.delete(PARKED_SPACE, parkedKey(consumer, position));
}

/** The records of one consumer. Another's name may begin with this one's and a slash. */
async function listOf<Value>(
  records: Pick<Records, "list">,
  space: string,
  consumer: string,
  shape: Shape,
): Promise<RecordOf<Value>[]> {
  const found: StoredRecord[] = [];
  for await (const record of recordsOf(records, space, `${consumer}/`)) {
    if (record.key.lastIndexOf("/") === consumer.length) found.push(record);
  }
  for (const record of found) assertShape(space, record, shape, "consumers");
  return found as unknown as RecordOf<Value>[];
}
