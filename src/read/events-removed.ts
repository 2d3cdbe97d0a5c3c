import { DELETED_EVENT_TYPE, EventsRemovedError, type StorageHandle } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { isTombstone, lastEvent } from "./last-event.js";

/** Says that a read or a watch would leave out events that were removed, and whether the whole stream was deleted. */
export async function eventsRemoved(
  attempt: "read" | "watch",
  { streamId, after, first }: { readonly streamId: string; readonly after: number; readonly first: number },
  storage: Pick<StorageHandle, "readPage"> & { readonly location?: string | undefined },
): Promise<EventsRemovedError> {
  const last = first - 1;
  // No snapshot is left of a deleted stream, and none can be saved.
  const reason = isTombstone(await lastEvent(storage, streamId))
    ? `the stream was deleted, and its events up to version ${last} were removed. What is left of it, up to its last event ` +
      `"${DELETED_EVENT_TYPE}", comes with after: ${last}.`
    : `the events up to version ${last} were removed. Begin with a snapshot of version ${last} or later, or after: ${last}.`;
  const message = `Cannot ${attempt} stream "${streamId}"${inStore(storage.location)} after version ${after}: ${reason}`;
  return new EventsRemovedError({ streamId, firstVersion: first }, message);
}

/** Whether events after a version were removed. */
export function isRemoved(after: number, first: number | undefined): first is number {
  return first !== undefined && after < first - 1;
}
