import {
  type AppendRequest,
  type AppendResult,
  decideAppend,
  decodeEvent,
  type NewEvent,
  type PlacedEvent,
  type StoredEvent,
} from "async-streams";
import type { EventPlace } from "./event-index.js";
import type { JsonLinesNotifier } from "./json-lines-notifier.js";
import type { JsonLinesStore } from "./json-lines-store.js";

/** Watchers read a larger append from storage, page by page, instead of each getting a copy of it at once. */
const MAX_ANNOUNCED_EVENTS = 256;

/** Decides, stores and announces one append. Nothing else may change the store meanwhile. */
export async function appendEvents(
  store: JsonLinesStore,
  notifier: JsonLinesNotifier,
  request: AppendRequest,
): Promise<AppendResult> {
  const { streamId } = request;
  const places = store.events.placesOf(streamId);
  const version = places.length;
  const stored = await loadRepeated(store, request);

  // Throws what the caller is to be told: a version or a key that is in conflict.
  const state = { version, findByKey: (key: string) => stored.get(key) };
  const { fresh, last } = decideAppend(request, state, store.file.path);

  const timestampMs = Date.now();
  const added = fresh.length === 0 ? [] : await store.addEvents(streamId, fresh, timestampMs);
  if (added.length > MAX_ANNOUNCED_EVENTS) notifier.announce(streamId, () => []);
  else if (added.length > 0) notifier.announce(streamId, () => decodeEvents(fresh, added));

  if (last === undefined) return { version, position: places.at(-1)?.position ?? 0, written: 0 };
  const place = "freshIndex" in last ? (added[last.freshIndex] as EventPlace) : last;
  return { version: place.version, position: place.position, written: added.length };
}

/** The stored events that the request repeats. `decideAppend` cannot wait for them, so they are read before. */
async function loadRepeated(store: JsonLinesStore, request: AppendRequest): Promise<Map<string, PlacedEvent>> {
  const stored = new Map<string, PlacedEvent>();
  for (const { idempotencyKey } of request.events) {
    const place = idempotencyKey === null ? undefined : store.events.findByKey(request.streamId, idempotencyKey);
    if (place === undefined || idempotencyKey === null) continue;
    stored.set(idempotencyKey, { ...place, event: await store.readEvent(place) });
  }
  return stored;
}

function decodeEvents(events: readonly NewEvent[], places: readonly EventPlace[]): StoredEvent[] {
  return places.map((place, index) => decodeEvent(events[index] as NewEvent, place));
}
