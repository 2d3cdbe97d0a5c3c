import type { Records } from "../../protocols/index.js";
import { PARKED_SPACE } from "../administration/reserved-spaces.js";
import { recordsOf } from "../transaction/records-of.js";
import { changeGroup, consumerOfKey, deleteParked, type ParkedState, readParked } from "./consumer-records.js";

/**
 * Drops places of parked events of a consumer. In each of their streams, what only waited behind them is tried next.
 *
 * @returns how many were dropped
 */
export async function dropPlaces(
  records: Records,
  consumer: string,
  isDropped: (place: ParkedState) => boolean,
): Promise<number> {
  const dropped = (await readParked(records, consumer)).map(({ value }) => value).filter(isDropped);
  if (dropped.length === 0) return 0;
  for (const { position } of dropped) await deleteParked(records, consumer, position);
  await changeGroup(records, consumer, ({ parked, retries }) => ({
    parked: Math.max(0, parked - dropped.length),
    retries: retries + 1,
  }));
  return dropped.length;
}

/**
 * Drops what any consumer has parked of the events of a stream that come before a position.
 *
 * @returns the consumers that had some
 */
export async function dropPlacesBefore(
  records: Records,
  streamId: string,
  before: number,
): Promise<ReadonlySet<string>> {
  const isDropped = (place: Pick<ParkedState, "streamId" | "position">): boolean =>
    place.streamId === streamId && place.position < before;
  const consumers = new Set<string>();
  for await (const { key, value } of recordsOf(records, PARKED_SPACE)) {
    if (isDropped(value as ParkedState)) consumers.add(consumerOfKey(key));
  }
  for (const consumer of consumers) await dropPlaces(records, consumer, isDropped);
  return consumers;
}
