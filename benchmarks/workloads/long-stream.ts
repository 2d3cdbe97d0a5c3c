import { makeEvent, makeEvents } from "../bench-event.js";
import type { Store } from "../subject.js";
import type { Seed, SizeName } from "../workload.js";

const BATCH_EVENTS = 1_000;

/** The stream that seeds fill. */
export const LONG_STREAM = "account";

export async function fillStream(store: Store, streamId: string, events: number): Promise<void> {
  for (let version = 0; version < events; version += BATCH_EVENTS) {
    await store.appendBatch(
      streamId,
      makeEvents(makeEvent, version, Math.min(BATCH_EVENTS, events - version)),
      version,
    );
  }
}

/** A store with one long stream. */
export function longStreamSeed(name: string, events: Readonly<Record<SizeName, number>>): Seed {
  return { name, fill: (store, size) => fillStream(store, LONG_STREAM, events[size]) };
}
