import { EventsRemovedError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** Says that a read or a watch would leave out events that were removed. */
export function eventsRemoved(
  attempt: "read" | "watch",
  { streamId, after, first }: { readonly streamId: string; readonly after: number; readonly first: number },
  location: string | undefined,
): EventsRemovedError {
  const message =
    `Cannot ${attempt} stream "${streamId}"${inStore(location)} after version ${after}: the events up to version ` +
    `${first - 1} were removed. Begin with a snapshot of version ${first - 1} or later, or after: ${first - 1}.`;
  return new EventsRemovedError({ streamId, firstVersion: first }, message);
}

/** Whether events after a version were removed. */
export function isRemoved(after: number, first: number | undefined): first is number {
  return first !== undefined && after < first - 1;
}
