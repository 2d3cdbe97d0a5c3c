import { DELETED_EVENT_TYPE, type StorageHandle, type StoredEvent } from "../../protocols/index.js";

/** The last event of a stream. */
export async function lastEvent(
  storage: Pick<StorageHandle, "readPage">,
  streamId: string,
): Promise<StoredEvent | undefined> {
  const { events } = await storage.readPage({ streamId, after: 0, limit: 1, direction: "backward" });
  return events[0];
}

/** Whether a stream that ends with this event is deleted. */
export function isTombstone(event: StoredEvent | undefined): boolean {
  return event?.type === DELETED_EVENT_TYPE;
}
