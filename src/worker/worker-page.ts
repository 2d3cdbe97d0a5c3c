import type { EventPage, ReadQuery } from "../../protocols/index.js";
import { MAX_WORKER_PAGE_EVENTS } from "../limits.js";
import { pageMessage } from "./exact-bytes.js";

/** Reads a page for a worker: a small one, since the thread of the store does nothing else while it is copied. */
export async function readWorkerPage(
  source: { readPage(query: ReadQuery): Promise<EventPage> },
  query: ReadQuery,
): Promise<EventPage> {
  const limit = Math.min(query.limit, MAX_WORKER_PAGE_EVENTS);
  return pageMessage(await source.readPage({ ...query, limit }));
}
