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

/** Says of a copy that an event is not what was written: the copy would get a checksum that hides the damage. */
export function uncopiedEvent(
  { streamId, version, position }: Pick<DamagedEvent, "version" | "position"> & { readonly streamId: string },
  location: string | undefined,
): StorageError {
  const message =
    `Cannot copy the event at position ${position}${inStore(location)}: it is not what was written. The database is ` +
    "damaged; verify() lists what is.";
  return new StorageError("STORAGE_CORRUPT", message, { event: { streamId, version, position } });
}

/**
 * Says of an index that could not be built which event it failed at.
 *
 * @param damage - what a read of the events failed with
 * @param readOnly - the option by which a store is opened to be read only
 */
export function unindexableEvent(
  damage: StorageError,
  location: string,
  readOnly: string,
  cause: unknown,
): StorageError {
  const { streamId, version = 0, position = 0 } = damage;
  const what =
    streamId === undefined ? "an event" : `version ${version} of stream "${streamId}" (position ${position})`;
  const message =
    `Cannot build an index in ${location}: the data or metadata of ${what} is not the JSON that was written. The database ` +
    `is damaged. Open the store without this index, or with ${readOnly}; verify() lists what is damaged.`;
  return new StorageError("STORAGE_CORRUPT", message, {
    ...(streamId === undefined ? {} : { event: { streamId, version, position } }),
    cause,
  });
}

/** @param place - the damaged one that is the last, in the direction of the query */
export function beyondDamage(direction: ReadQuery["direction"], place: number): string {
  const option = direction === "forward" ? `after: ${place}` : `upTo: ${place - 1}`;
  return `The database is damaged; verify() lists what is. The events beyond it can be read with ${option}.`;
}
