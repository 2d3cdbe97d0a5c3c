import type { EventPage, ReadQuery } from "async-streams";
import { decodeEvent } from "async-streams/adapter";
import type { EventPlace } from "./event-index.js";
import type { JsonLinesStore } from "./json-lines-store.js";

/**
 * Reads a page. Which events belong to it, and what the head is, is settled before the first wait, so that both are of
 * one state of the store whatever is written meanwhile.
 */
export async function readEventPage(store: JsonLinesStore, query: ReadQuery): Promise<EventPage> {
  const all = store.events.placesOf(query.streamId);
  const head = all.length;
  const { places, next } = query.direction === "forward" ? pageUp(all, head, query) : pageDown(all, head, query);
  const events = await Promise.all(places.map(async (place) => decodeEvent(await store.readEvent(place), place)));
  return { events, next, head };
}

interface Page {
  readonly places: readonly EventPlace[];
  readonly next: number | null;
}

/** From behind `after` up to `upTo`. A place n is at index n - 1, so the one behind `after` is at `after`. */
function pageUp(all: readonly EventPlace[], head: number, { after, upTo = head, limit }: ReadQuery): Page {
  const end = Math.min(upTo, head);
  const pageEnd = Math.min(after + limit, end);
  return { places: all.slice(after, pageEnd), next: pageEnd < end ? pageEnd : null };
}

/** From `upTo` down to behind `after`. */
function pageDown(all: readonly EventPlace[], head: number, { after, upTo = head, limit }: ReadQuery): Page {
  const end = Math.min(upTo, head);
  const pageStart = Math.max(end - limit, after);
  if (pageStart >= end) return { places: [], next: null };
  return { places: all.slice(pageStart, end).reverse(), next: pageStart > after ? pageStart : null };
}
