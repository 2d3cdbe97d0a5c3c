import { ALL_STREAM, type EventPage, type StorageHandle, type StoredEvent } from "../../protocols/index.js";
import type { BrokenStorage } from "./broken-storage.js";
import { overriding } from "./overriding.js";

type Rewrite = (page: EventPage) => EventPage;

/** Changes the pages that a storage handle returns. */
function withPages(storage: StorageHandle, rewrite: Rewrite): StorageHandle {
  return overriding(storage, { readPage: async (query) => rewrite(await storage.readPage(query)) });
}

/** Changes the events that a storage handle returns. */
function withEvents(storage: StorageHandle, rewrite: (event: StoredEvent) => StoredEvent): StorageHandle {
  return withPages(storage, (page) => ({ ...page, events: page.events.map(rewrite) }));
}

export const BROKEN_READS: readonly BrokenStorage[] = [
  {
    fault: "reads one event more than the limit",
    group: "a page",
    found: "holds at most 2 of the events, and the pages together hold each of them once",
    breakStorage: (storage) =>
      overriding(storage, { readPage: (query) => storage.readPage({ ...query, limit: query.limit + 1 }) }),
  },
  {
    fault: "leaves out one event between two pages",
    group: "a page",
    found: "holds at most 5 of the events, and the pages together hold each of them once",
    breakStorage: (storage) =>
      withPages(storage, (page) => ({ ...page, next: page.next === null ? null : page.next + 1 })),
  },
  {
    fault: "repeats one event between two pages",
    group: "a page",
    found: "holds at most 5 of the events, and the pages together hold each of them once",
    breakStorage: (storage) =>
      withPages(storage, (page) => ({ ...page, next: page.next === null ? null : page.next - 1 })),
  },
  {
    fault: "takes after for inclusive",
    group: "a page",
    found: "reads what lies between two places, forward and backward",
    breakStorage: (storage) =>
      overriding(storage, { readPage: (query) => storage.readPage({ ...query, after: Math.max(0, query.after - 1) }) }),
  },
  {
    fault: "takes upTo for exclusive",
    group: "a page",
    found: "reads what lies between two places, forward and backward",
    breakStorage: (storage) =>
      overriding(storage, {
        readPage: (query) =>
          storage.readPage({ ...query, upTo: query.upTo === undefined ? undefined : query.upTo - 1 }),
      }),
  },
  {
    fault: "reads events in another order",
    group: "append",
    found: "stores the events of a request in order, under versions that begin at 1",
    breakStorage: (storage) => withPages(storage, (page) => ({ ...page, events: [...page.events].reverse() })),
  },
  {
    fault: "tells the place of the page's last event for the stream's version",
    group: "a page",
    found: "tells the version of its stream, whatever it holds",
    breakStorage: (storage) => withPages(storage, (page) => ({ ...page, head: page.events.at(-1)?.version ?? 0 })),
  },
  {
    fault: "counts positions for each stream",
    group: "@all",
    found: "holds the events of every stream as they are there, in the order of their positions",
    breakStorage: (storage) => withEvents(storage, (event) => ({ ...event, position: event.version })),
  },
  {
    fault: "hands the same event to every reader",
    group: "what was stored",
    found: "is a copy of its own for everyone who reads it",
    breakStorage: (storage) => {
      const shared = new Map<number, StoredEvent>();
      return withEvents(storage, (event) => {
        if (!shared.has(event.position)) shared.set(event.position, event);
        return shared.get(event.position) ?? event;
      });
    },
  },
  {
    fault: "loses the sign of zero",
    group: "what was stored",
    found: "comes back equal: null, booleans and numbers",
    breakStorage: (storage) =>
      withEvents(storage, (event) =>
        event.data instanceof Uint8Array
          ? event
          : { ...event, data: JSON.parse(JSON.stringify(event.data)) as unknown },
      ),
  },
  {
    fault: "returns bytes as a subclass of theirs",
    group: "what was stored",
    found: "comes back equal: bytes",
    breakStorage: (storage) =>
      withEvents(storage, (event) =>
        event.data instanceof Uint8Array ? { ...event, data: Buffer.from(event.data) } : event,
      ),
  },
  {
    fault: "takes stream ids for the same that differ in case",
    group: "stream ids",
    found: "are told apart exactly",
    breakStorage: (storage) =>
      overriding(storage, {
        append: (request) => storage.append({ ...request, streamId: request.streamId.toLowerCase() }),
        readPage: (query) => storage.readPage({ ...query, streamId: query.streamId.toLowerCase() }),
        getVersion: (streamId) => storage.getVersion(streamId.toLowerCase()),
      }),
  },
  {
    fault: "leaves out events that a filter lets through",
    group: "a filter in a page",
    found: "leaves out no event that matches: types and versions",
    breakStorage: (storage) =>
      overriding(storage, {
        readPage: async (query) => {
          const page = await storage.readPage(query);
          const types = query.filter?.find(({ field, op }) => field === "type" && op === "in")?.value;
          return { ...page, events: page.events.filter(({ type }) => !Array.isArray(types) || types[0] === type) };
        },
      }),
  },
  {
    fault: "ends at a page in which nothing matches",
    group: "a filter in a page",
    found: "finds the few that match among the many that do not",
    breakStorage: (storage) =>
      overriding(storage, {
        readPage: async (query) => {
          const page = await storage.readPage(query);
          return query.filter !== undefined && page.events.every(({ type }) => type === "Common")
            ? { ...page, next: null }
            : page;
        },
      }),
  },
  {
    fault: "counts the events of the whole store for a stream",
    group: "metrics",
    found: "tell the version, the number of events and the time of the last",
    breakStorage: (storage) => overriding(storage, { getMetrics: () => storage.getMetrics(ALL_STREAM) }),
  },
];
