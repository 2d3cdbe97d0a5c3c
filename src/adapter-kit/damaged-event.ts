import { ALL_STREAM, type ReadQuery, StorageError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** The event that a page would begin with. */
export interface DamagedEvent {
  /** Null where the stream that it belongs to is not there. */
  readonly streamId: string | null;
  readonly version: number;
  readonly position: number;
  /** What is wrong with it. */
  readonly reason?: string | undefined;
}

/** Says of a read that it cannot go on with an event, and how to go on behind it. */
export function damagedEvent(
  { streamId, version, position, reason = "its data or metadata is not the JSON that was written" }: DamagedEvent,
  query: Pick<ReadQuery, "streamId" | "direction">,
  location: string | undefined,
  cause?: unknown,
): StorageError {
  const what = streamId === null ? "an event" : `version ${version} of stream "${streamId}"`;
  const place = query.streamId === ALL_STREAM ? position : version;
  const message = `Cannot read ${what}${inStore(location)} (position ${position}): ${reason}. ${beyondDamage(query.direction, place)}`;
  return new StorageError("STORAGE_CORRUPT", message, {
    ...(streamId === null ? {} : { event: { streamId, version, position } }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @param place - the damaged one that is the last, in the direction of the query */
export function beyondDamage(direction: ReadQuery["direction"], place: number): string {
  const option = direction === "forward" ? `after: ${place}` : `upTo: ${place - 1}`;
  return `The database is damaged; verify() lists what is. The events beyond it can be read with ${option}.`;
}
