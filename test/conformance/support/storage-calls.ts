import {
  type AppendRequest,
  type AppendResult,
  type CandidateEvent,
  DELETED_EVENT_TYPE,
  type EventPage,
  type NewEvent,
  type ReadQuery,
  type StorageHandle,
  type StoredEvent,
} from "../../../protocols/index.js";
import { encodeEvents } from "../../../src/write/encode-events.js";

/** Appends events in the form in which a user would give them. */
export function append(
  storage: StorageHandle,
  streamId: string,
  events: readonly CandidateEvent[],
  options: Partial<Omit<AppendRequest, "streamId" | "events">> = {},
): Promise<AppendResult> {
  const { expectedVersion = "any", ...others } = options;
  return storage.append({ streamId, events: encodeEvents(streamId, events), expectedVersion, ...others });
}

/** Ends a stream, as the core does: its last event is a tombstone. */
export function endStream(storage: Pick<StorageHandle, "append">, streamId: string): Promise<AppendResult> {
  const [event] = encodeEvents(streamId, [{ type: "Ended", data: null }]);
  const tombstone = { ...(event as NewEvent), type: DELETED_EVENT_TYPE };
  return storage.append({ streamId, events: [tombstone], expectedVersion: "any" });
}

/** A {@link ReadQuery} of which the most is left out. */
export type PageOptions = Partial<Omit<ReadQuery, "streamId">>;

export function readPage(storage: StorageHandle, streamId: string, options: PageOptions = {}): Promise<EventPage> {
  return storage.readPage({ after: 0, limit: 1_000, direction: "forward", ...options, streamId });
}

/** The pages of a read, each where the one before it said that the next one continues. */
export async function* pagesOf(
  storage: StorageHandle,
  streamId: string,
  options: PageOptions = {},
): AsyncGenerator<EventPage, void> {
  const backward = options.direction === "backward";
  let place = backward ? options.upTo : (options.after ?? 0);
  while (true) {
    const page = await readPage(storage, streamId, { ...options, [backward ? "upTo" : "after"]: place });
    yield page;
    if (page.next === null) return;
    const advances = place === undefined || (backward ? page.next < place : page.next > place);
    if (!advances) throw new Error(`A page from ${place} says that the next one continues at ${page.next}`);
    place = page.next;
  }
}

/** All events of a read, page by page. */
export async function readAll(
  storage: StorageHandle,
  streamId: string,
  options: PageOptions = {},
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const page of pagesOf(storage, streamId, options)) events.push(...page.events);
  return events;
}
