import {
  ALL_STREAM,
  DELETED_EVENT_TYPE,
  type EventPlace,
  type KeptKey,
  type PlacedEvent,
  type PrunedStream,
  type RemovedEvents,
  type RemoveRequest,
} from "../../protocols/index.js";
import { compareCodePoints } from "../../src/adapter-kit/code-point-order.js";
import type { EventLog } from "./event-log.js";
import { indexOfFirst } from "./index-of-first.js";

/** The events of a store, or those that a transaction has added to it. */
export class MemoryEvents implements EventLog {
  readonly #streams = new Map<string, PlacedEvent[]>([[ALL_STREAM, []]]);
  readonly #keys = new Map<string, Map<string, PlacedEvent>>();
  /** The places of removed events whose keys are still known. */
  readonly #keptKeys = new Map<string, Map<string, EventPlace>>();
  #position = 0;
  /** In code-point order; undefined since a stream was added. */
  #sortedIds: readonly string[] | undefined;

  get position(): number {
    return this.#position;
  }

  /** The ids of the streams that have events, in code-point order. */
  get streamIds(): readonly string[] {
    this.#sortedIds ??= [...this.#streams.keys()].filter((id) => id !== ALL_STREAM).sort(compareCodePoints);
    return this.#sortedIds;
  }

  count(streamId: string): number {
    return this.#streams.get(streamId)?.length ?? 0;
  }

  countUpTo(streamId: string, place: number): number {
    return indexOfFirst(this.#streams.get(streamId) ?? [], (placed) => placeIn(streamId, placed) > place);
  }

  slice(streamId: string, from: number, to: number): readonly PlacedEvent[] {
    return this.#streams.get(streamId)?.slice(from, to) ?? [];
  }

  first(streamId: string): number {
    return this.#streams.get(streamId)?.[0]?.version ?? 1;
  }

  findByKey(streamId: string, idempotencyKey: string): PlacedEvent | EventPlace | undefined {
    return this.#keys.get(streamId)?.get(idempotencyKey) ?? this.#keptKeys.get(streamId)?.get(idempotencyKey);
  }

  add(events: readonly PlacedEvent[]): void {
    for (const placed of events) {
      const { streamId, event } = placed;
      if (!this.#streams.has(streamId)) this.#sortedIds = undefined;
      entryOf(this.#streams, streamId, () => []).push(placed);
      entryOf(this.#streams, ALL_STREAM, () => []).push(placed);
      this.#position = placed.position;
      if (event.idempotencyKey === null) continue;
      entryOf(this.#keys, streamId, () => new Map<string, PlacedEvent>()).set(event.idempotencyKey, placed);
    }
  }

  /** The streams whose first events were removed. */
  *prunedStreams(): Generator<PrunedStream, void> {
    for (const streamId of this.streamIds) {
      const firstVersion = this.first(streamId);
      if (firstVersion > 1) yield { streamId, firstVersion };
    }
  }

  /** The keys of removed events. */
  *keptKeys(): Generator<KeptKey, void> {
    for (const keys of this.#keptKeys.values()) for (const [key, place] of keys) yield { ...place, key };
  }

  keepKey({ key, streamId, version, position }: KeptKey): void {
    entryOf(this.#keptKeys, streamId, () => new Map<string, EventPlace>()).set(key, { streamId, version, position });
  }

  forgetKey({ streamId, key }: Pick<KeptKey, "streamId" | "key">): void {
    this.#keptKeys.get(streamId)?.delete(key);
  }

  /** Gives none of the positions up to this one any more. */
  skipTo(position: number): void {
    this.#position = Math.max(position, headOf(this, ALL_STREAM));
  }

  /** Removes the first events of a stream, all but its last, and skips a position. */
  remove({ streamId, before, limit, keepKeys }: RemoveRequest): RemovedEvents {
    if (!keepKeys) this.#forgetKeys(streamId, before);
    const events = this.#streams.get(streamId) ?? [];
    const first = this.first(streamId);
    const end = Math.min(before, first + limit, events.at(-1)?.version ?? 0);
    if (end <= first) return { removed: 0, firstVersion: first };
    // Not as many as there are versions: a copy that is not complete may lack some.
    const gone = new Set(events.splice(0, this.countUpTo(streamId, end - 1)));
    const left = this.slice(ALL_STREAM, 0, this.count(ALL_STREAM)).filter((placed) => !gone.has(placed));
    this.#streams.set(ALL_STREAM, left);
    for (const placed of gone) this.#removeKey(placed, keepKeys);
    this.#position += 1;
    return { removed: gone.size, firstVersion: end };
  }

  #removeKey({ streamId, version, position, event }: PlacedEvent, isKept: boolean): void {
    const key = event.idempotencyKey;
    if (key === null) return;
    this.#keys.get(streamId)?.delete(key);
    if (!isKept) return;
    entryOf(this.#keptKeys, streamId, () => new Map<string, EventPlace>()).set(key, { streamId, version, position });
  }

  #forgetKeys(streamId: string, before: number): void {
    const kept = this.#keptKeys.get(streamId) ?? [];
    for (const [key, { version }] of kept) if (version < before) this.#keptKeys.get(streamId)?.delete(key);
  }
}

/** The place of an event in its stream, or in the whole store. */
export function placeIn(streamId: string, { version, position }: EventPlace): number {
  return streamId === ALL_STREAM ? position : version;
}

/** The last event of a stream, or of the whole store. */
export function lastOf(log: EventLog, streamId: string): PlacedEvent | undefined {
  const count = log.count(streamId);
  return log.slice(streamId, count - 1, count)[0];
}

/** The place of the last event, 0 without one. */
export function headOf(log: EventLog, streamId: string): number {
  const last = lastOf(log, streamId);
  return last === undefined ? 0 : placeIn(streamId, last);
}

/** Whether a stream ends with a tombstone. The whole store goes on behind those of its streams. */
export function isDeleted(log: EventLog, streamId: string): boolean {
  return streamId !== ALL_STREAM && lastOf(log, streamId)?.event.type === DELETED_EVENT_TYPE;
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
