import {
  ALL_STREAM,
  type AppendRequest,
  type AppendResult,
  type EncodedState,
  type EventPage,
  type NewEvent,
  type ReadQuery,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type StorageHandle,
  type StreamMetrics,
} from "../../protocols/index.js";
import { decideAppend } from "../../src/adapter-kit/decide-append.js";
import { decodeEvent } from "../../src/adapter-kit/decode-event.js";
import { Lifetime } from "../../src/adapter-kit/lifetime.js";
import type { PlacedEvent } from "../../src/adapter-kit/placed-event.js";

/** Keeps everything in this process's memory, for as long as the handle lives: the model that others are held to. */
export class MemoryStorageHandle implements StorageHandle {
  readonly location = "memory";
  readonly #streams = new Map<string, PlacedEvent[]>([[ALL_STREAM, []]]);
  readonly #keys = new Map<string, Map<string, PlacedEvent>>();
  #snapshots: Snapshot<EncodedState>[] = [];
  readonly #commitListeners = new Set<(events: readonly PlacedEvent[]) => void>();
  readonly #now: () => number;
  readonly #lifetime = new Lifetime("the store in memory");

  /** Makes an empty store. `now` is the clock of the events' timestamps, in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Calls the listener with the events of every append, before the append resolves. */
  onCommit(listener: (events: readonly PlacedEvent[]) => void): void {
    this.#commitListeners.add(listener);
  }

  // Nothing waits in here, so that no other append can come between the decision and the storing.
  async append(request: AppendRequest): Promise<AppendResult> {
    this.#lifetime.assertOpen(`write to stream "${request.streamId}"`);
    request.signal?.throwIfAborted();
    const { streamId } = request;
    const keys = this.#keys.get(streamId) ?? new Map<string, PlacedEvent>();
    const state = { version: this.#eventsOf(streamId).length, findByKey: (key: string) => keys.get(key) };
    const { fresh, last } = decideAppend(request, state, this.location);
    const added = fresh.map((event, index) => this.#store(streamId, event, keys, state.version + index + 1));
    if (keys.size > 0) this.#keys.set(streamId, keys);
    if (added.length > 0) for (const listener of this.#commitListeners) listener(added);
    if (last === undefined) return { ...this.#headOf(streamId), written: 0 };
    const { version, position } = "freshIndex" in last ? (added[last.freshIndex] as PlacedEvent) : last;
    return { version, position, written: added.length };
  }

  #store(streamId: string, event: NewEvent, keys: Map<string, PlacedEvent>, version: number): PlacedEvent {
    const all = this.#eventsOf(ALL_STREAM);
    const placed = { event, streamId, version, position: all.length + 1, timestampMs: this.#now() };
    const events = this.#eventsOf(streamId);
    this.#streams.set(streamId, events);
    events.push(placed);
    all.push(placed);
    if (event.idempotencyKey !== null) keys.set(event.idempotencyKey, placed);
    return placed;
  }

  // Versions and positions are gapless here, so that a place is an index.
  async readPage({ streamId, after, upTo, limit, direction }: ReadQuery): Promise<EventPage> {
    this.#lifetime.assertOpen(`read stream "${streamId}"`);
    const stored = this.#eventsOf(streamId);
    const head = stored.length;
    const end = Math.min(upTo ?? head, head);
    const isForward = direction === "forward";
    const from = isForward ? after : Math.max(after, end - limit);
    const to = isForward ? Math.min(end, after + limit) : end;
    const events = stored.slice(from, to).map((placed) => decodeEvent(placed.event, placed));
    if (isForward) return { events, next: to < end ? to : null, head };
    return { events: events.reverse(), next: from > after ? from : null, head };
  }

  async getVersion(streamId: string): Promise<number> {
    this.#lifetime.assertOpen(`read the version of stream "${streamId}"`);
    return this.#eventsOf(streamId).length;
  }

  async getMetrics(streamId: string): Promise<StreamMetrics> {
    this.#lifetime.assertOpen(`read the metrics of stream "${streamId}"`);
    const events = this.#eventsOf(streamId);
    const last = events.at(-1);
    return {
      currentVersion: events.length,
      eventCount: events.length,
      lastTimestamp: last === undefined ? null : new Date(last.timestampMs),
    };
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, { keep }: SnapshotRetention = {}): Promise<void> {
    this.#lifetime.assertOpen(`save a snapshot of stream "${snapshot.streamId}"`);
    const { streamId, projection, version } = snapshot;
    const isSame = (other: Snapshot<EncodedState>): boolean =>
      other.streamId === streamId && other.projection === projection && other.version === version;
    const index = this.#snapshots.findIndex(isSame);
    this.#snapshots.splice(index < 0 ? this.#snapshots.length : index, 1, snapshot);
    if (keep !== undefined) this.#removeOlderSnapshots(snapshot, keep);
  }

  #removeOlderSnapshots({ streamId, projection }: Snapshot<EncodedState>, keep: number): void {
    const own = this.#snapshots.filter((other) => other.streamId === streamId && other.projection === projection);
    const stay = new Set(own.sort((a, b) => b.version - a.version).slice(0, keep));
    const gone = new Set(own.filter((other) => !stay.has(other)));
    this.#snapshots = this.#snapshots.filter((other) => !gone.has(other));
  }

  async loadSnapshot({ streamId, projection, atOrBefore }: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    this.#lifetime.assertOpen(`load a snapshot of stream "${streamId}"`);
    const latest = atOrBefore ?? Number.MAX_SAFE_INTEGER;
    return this.#snapshots
      .filter((s) => s.streamId === streamId && s.projection === projection && s.version <= latest)
      .reduce<Snapshot<EncodedState> | null>((best, s) => (best === null || s.version > best.version ? s : best), null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.refuse();
    this.#commitListeners.clear();
  }

  #eventsOf(streamId: string): PlacedEvent[] {
    return this.#streams.get(streamId) ?? [];
  }

  #headOf(streamId: string): { version: number; position: number } {
    const { version, position } = this.#eventsOf(streamId).at(-1) ?? { version: 0, position: 0 };
    return { version, position };
  }
}
