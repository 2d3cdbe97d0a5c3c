import { crc32 } from "node:zlib";
import type { StoredEvent } from "../../protocols/index.js";
import type { AttemptState, GroupState, PastPartitions } from "./consumer-records.js";

/** The partition of a stream: all of its events belong to one. */
export function partitionOf(streamId: string, partitions: number): number {
  return crc32(streamId) % partitions;
}

/** Whether an event was handled or parked while there was another number of partitions. */
export function isPast({ history }: Pick<GroupState, "history">, { streamId, position }: StoredEvent): boolean {
  return history.some((past) => position <= (past.positions[partitionOf(streamId, past.partitions)] ?? 0));
}

/** The last attempts at an event while there was another number of partitions. */
export function pastAttempts({ history }: Pick<GroupState, "history">, position: number): AttemptState | undefined {
  // Asked for each event; there is a history only while the number has just changed.
  if (history.length === 0) return undefined;
  return history.flatMap(({ attempts = [] }) => attempts).findLast((attempt) => attempt.position === position);
}

/** The earlier numbers that still matter: a partition has not got past all that was done or attempted with them. */
export function stillPast(history: readonly PastPartitions[], lowest: number): readonly PastPartitions[] {
  return history.filter(
    ({ positions, attempts = [] }) =>
      positions.some((position) => position > lowest) || attempts.some(({ position }) => position > lowest),
  );
}
