import type { Event, EventStorePort } from "./ports.js";

/** State as a function of the events of an aggregate. */
export interface AggregateFold<S extends Record<string, unknown>> {
  initial(): S;
  evolve(state: S, event: Event): S;
  /** Saves a snapshot after so many events that the last one does not have. */
  readonly snapshotEvery: number;
}

export interface LoadedState<S> {
  readonly state: S;
  readonly seq: number;
  /** How many events were read beside the snapshot. */
  readonly replayed: number;
}

/** Loads the state of an aggregate: the latest snapshot, and the events after it. */
export async function loadAggregate<S extends Record<string, unknown>>(
  eventStore: EventStorePort,
  aggregateId: string,
  { initial, evolve, snapshotEvery }: AggregateFold<S>,
): Promise<LoadedState<S>> {
  const snapshot = await eventStore.latestSnapshot({ aggregateId });
  const events = await eventStore.load({ aggregateId, afterSeq: snapshot?.lastSeq ?? 0 });
  const state = events.reduce(evolve, (snapshot?.state as S | undefined) ?? initial());
  const seq = events.at(-1)?.seq ?? snapshot?.lastSeq ?? 0;
  if (events.length >= snapshotEvery) await eventStore.saveSnapshot({ aggregateId, lastSeq: seq, state });
  return { state, seq, replayed: events.length };
}
