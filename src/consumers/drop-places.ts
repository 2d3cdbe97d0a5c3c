import type { Records } from "../../protocols/index.js";
import { PARKED_SPACE } from "../administration/reserved-spaces.js";
import { recordsOf } from "../transaction/records-of.js";
import { changeGroup, consumerOfKey, isParked, type ParkedState, parkedKey } from "./consumer-records.js";

/**
 * Drops the place of a parked event, whatever its record has become.
 *
 * @returns false when it is not parked
 */
export async function dropPlace(records: Records, consumer: string, position: number): Promise<boolean> {
  if (!(await isParked(records, consumer, position))) return false;
  await drop(records, consumer, [parkedKey(consumer, position)]);
  return true;
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
  const dropped = new Map<string, string[]>();
  for await (const { key, value } of recordsOf(records, PARKED_SPACE)) {
    const place = value as ParkedState;
    if (place.streamId !== streamId || place.position >= before) continue;
    const consumer = consumerOfKey(key);
    const keys = dropped.get(consumer) ?? [];
    keys.push(key);
    dropped.set(consumer, keys);
  }
  for (const [consumer, keys] of dropped) await drop(records, consumer, keys);
  return new Set(dropped.keys());
}

/** In each of their streams, what only waited behind them is tried next. */
async function drop(records: Records, consumer: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) await records.delete(PARKED_SPACE, key);
  await changeGroup(records, consumer, ({ parked, retries }) => ({
    parked: Math.max(0, parked - keys.length),
    retries: retries + 1,
  }));
}
