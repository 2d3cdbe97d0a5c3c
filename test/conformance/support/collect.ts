import type { StoredEvent, Stream } from "../../../protocols/index.js";

/** All events of an iterable that ends. */
export async function collect(iterable: AsyncIterable<StoredEvent>): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of iterable) events.push(event);
  return events;
}

/** As many events of an iterable, which is then left. */
export async function take(iterable: AsyncIterable<StoredEvent>, count: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  if (count === 0) return events;
  for await (const event of iterable) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

/** All events that a stream has now. */
export function eventsOf(stream: Stream): Promise<StoredEvent[]> {
  return collect(stream.read());
}
