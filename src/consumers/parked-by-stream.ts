import type { ParkedState } from "./consumer-records.js";
import { partitionOf } from "./partitions.js";

/** What is parked of a partition, by stream, in the order of positions. */
export type ParkedByStream = ReadonlyMap<string, readonly ParkedState[]>;

/** What is parked of one partition. */
export function parkedOf(
  index: number,
  partitions: number,
  parked: Iterable<{ readonly value: ParkedState }>,
): ParkedByStream {
  const streams = new Map<string, ParkedState[]>();
  for (const { value } of parked) {
    if (partitionOf(value.streamId, partitions) !== index) continue;
    const ofStream = streams.get(value.streamId) ?? [];
    streams.set(value.streamId, ofStream);
    ofStream.push(value);
  }
  return streams;
}

/** The same with other events of a stream. */
export function withStream(all: ParkedByStream, streamId: string, parked: readonly ParkedState[]): ParkedByStream {
  const changed = new Map(all);
  if (parked.length === 0) changed.delete(streamId);
  else changed.set(streamId, parked);
  return changed;
}
