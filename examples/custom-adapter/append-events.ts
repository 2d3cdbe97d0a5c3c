import type { AppendRequest, AppendResult } from "async-streams";
import { decideAppend, type PlacedEvent } from "async-streams/adapter";
import type { JsonLinesNotifier } from "./json-lines-notifier.js";
import type { JsonLinesStore } from "./json-lines-store.js";

/** Decides, stores and publishes one append. Nothing else may change the store meanwhile. */
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

  const added = fresh.length === 0 ? [] : await store.addEvents(streamId, fresh, Date.now());
  notifier.publish(added);

  if (last === undefined) return { version, position: places.at(-1)?.position ?? 0, written: 0 };
  const place = "freshIndex" in last ? (added[last.freshIndex] as PlacedEvent) : last;
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
