import type { StoredEvent } from "async-streams";
import type { HistoryEvent, RecordEvent } from "./history.js";
import type { Streams } from "./store-backend.js";

const PAGE_EVENTS = 1_000;

/** Events of one type, and the positions that they were looked for in: each page begins behind the one before. */
export interface EventPage {
  readonly events: readonly StoredEvent<RecordEvent>[];
  readonly after: number;
  readonly upTo: number;
}

/** All events of a type, up to the end of the store when the last page is read. */
export async function* eventPages(streams: Streams, type: RecordEvent["type"]): AsyncGenerator<EventPage> {
  await using all = await streams.openStream<HistoryEvent>("@all");
  const filter = [{ field: "type", op: "=", value: type }] as const;
  for (let after = 0; ; ) {
    const end = await lastPosition(streams);
    const events: StoredEvent<RecordEvent>[] = [];
    for await (const event of all.read({ after, upTo: end, limit: PAGE_EVENTS, filter })) events.push(event);
    const isLast = events.length < PAGE_EVENTS;
    const upTo = isLast ? end : (events.at(-1)?.position ?? end);
    yield { events, after, upTo };
    if (isLast) return;
    after = upTo;
  }
}

export async function lastPosition(streams: Streams): Promise<number> {
  await using all = await streams.openStream("@all");
  return all.version;
}
