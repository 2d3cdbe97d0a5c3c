import type { DbContext, Event, LoadArgs } from "../ports.js";
import {
  aggregateOf,
  loadArgsOf,
  newEventOf,
  publishedNumberOf,
  queryArgsOf,
  snapshotOf,
  upsertArgsOf,
} from "./check-arguments.js";
import type { MethodName } from "./messages.js";
import type { Publication } from "./publication.js";

/** So few that a page of the largest events a window can store fits into memory. */
const PAGE_EVENTS = 16;
const MAX_LOADED_EVENTS = 10_000;
const MAX_LOADED_BYTES = 8 * 1024 * 1024;

type Handler = (args: unknown) => Promise<unknown>;

/**
 * What a window may call. Each handler checks its arguments, and no handler gives a transaction.
 *
 * @param windowGone - ends what waits for something to happen
 */
export function handlersOf(
  db: DbContext,
  publication: Publication | undefined,
  windowGone: AbortSignal,
): ReadonlyMap<MethodName, Handler> {
  const { eventStore, projectionStore, windowQueries } = db;
  const handlers: Record<MethodName, Handler> = {
    appendEvent: async (args) => eventStore.append(newEventOf(args)),
    loadEvents: async (args) => loadSome(db, loadArgsOf(args)),
    latestSnapshot: async (args) => eventStore.latestSnapshot(aggregateOf(args)),
    saveSnapshot: async (args) => eventStore.saveSnapshot(snapshotOf(args)),
    queryProjection: async (args) => windowQueries.query(queryArgsOf(args)),
    upsertProjection: async (args) => projectionStore.upsert(upsertArgsOf(args)),
    nextChange: async (args) => {
      const after = publishedNumberOf(args);
      return publication?.next(after, windowGone) ?? null;
    },
  };
  return new Map(Object.entries(handlers) as [MethodName, Handler][]);
}

/** As many events as a window takes at once. It asks for those after them with `afterSeq`. */
async function loadSome({ eventStore }: DbContext, { aggregateId, afterSeq = 0 }: LoadArgs): Promise<Event[]> {
  const events: Event[] = [];
  let bytes = 0;
  for (;;) {
    const after = events.at(-1)?.seq ?? afterSeq;
    const page = await eventStore.load({ aggregateId, afterSeq: after, limit: PAGE_EVENTS });
    for (const event of page) {
      if (events.length === MAX_LOADED_EVENTS || bytes >= MAX_LOADED_BYTES) return events;
      events.push(event);
      bytes += JSON.stringify([event.payload, event.metadata]).length;
    }
    if (page.length < PAGE_EVENTS) return events;
  }
}
