import {
  type AdministrableStorage,
  ALL_STREAM,
  type AppendRequest,
  type AppendResult,
  type ContentsBatch,
  type CopyableStorage,
  type DeleteSnapshotsQuery,
  type EncodedState,
  type EventPage,
  type JoinAppends,
  type ListStreamsQuery,
  type PlacedEvent,
  type ReadQuery,
  type ReclaimedBytes,
  type RemovedEvents,
  type RemoveRequest,
  type RequestOutcome,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  type StorageSession,
  type StoreContents,
  type StreamMetrics,
  type StreamRow,
  type TakeRequests,
  type TransactOptions,
} from "../../protocols/index.js";
import { appendTogether } from "../../src/adapter-kit/append-together.js";
import { Lifetime } from "../../src/adapter-kit/lifetime.js";
import { streamDeleted } from "../../src/adapter-kit/stream-deleted.js";
import { appendTo } from "./append-to.js";
import { importContents } from "./import-contents.js";
import { listStreams } from "./list-streams.js";
import { MemoryContents } from "./memory-contents.js";
import { headOf, isDeleted, lastOf, MemoryEvents } from "./memory-events.js";
import { MemoryRecords, RecordOverlay } from "./memory-records.js";
import { MemorySession, type MemoryState } from "./memory-session.js";
import { MemorySnapshots } from "./memory-snapshots.js";
import { readPageOf } from "./read-page-of.js";
import { TurnQueue } from "./turn-queue.js";

/** Keeps everything in this process's memory, for as long as the handle lives: the model that others are held to. */
export class MemoryStorageHandle implements AdministrableStorage, CopyableStorage {
  readonly location = "memory";
  readonly #state: MemoryState;
  readonly #snapshots = new MemorySnapshots();
  readonly #commitListeners = new Set<(events: readonly PlacedEvent[]) => void>();
  readonly #turns = new TurnQueue();
  readonly #lifetime = new Lifetime("the store in memory");

  /** Makes an empty store. `now` is the clock of the events' timestamps, in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#state = { events: new MemoryEvents(), records: new MemoryRecords(), now, location: this.location };
  }

  /** Calls the listener with the events of every commit, before its append or its transaction resolves. */
  onCommit(listener: (events: readonly PlacedEvent[]) => void): void {
    this.#commitListeners.add(listener);
  }

  // Without a transaction nothing waits in here: the append is decided and stored within the call.
  async append(request: AppendRequest): Promise<AppendResult> {
    this.#lifetime.assertOpen(`write to stream "${request.streamId}"`);
    request.signal?.throwIfAborted();
    if (this.#turns.isFree) return this.#append(request);
    using _turn = await this.#turns.take(request.signal);
    return this.#append(request);
  }

  #append(request: AppendRequest): AppendResult {
    const { events, now, location } = this.#state;
    const { result, added } = appendTo(events, request, now, location);
    this.#publish(added);
    return result;
  }

  async transact<T>(work: (session: StorageSession) => Promise<T>, { signal }: TransactOptions): Promise<T> {
    this.#lifetime.assertOpen("begin a transaction");
    signal?.throwIfAborted();
    using _turn = await this.#turns.take(signal);
    const session = new MemorySession(this.#state);
    const result = await work(session);
    this.#publish(session.commit());
    return result;
  }

  // Each part is a transaction over a copy, all of them within one turn.
  async appendTogether(take: TakeRequests, join: JoinAppends): Promise<readonly RequestOutcome[]> {
    this.#lifetime.assertOpen("write to several streams");
    using _turn = await this.#turns.take();
    // Awaited, so that the turn lasts until then.
    return await appendTogether(take(), join, async (work) => {
      const session = new MemorySession(this.#state);
      let outcomes: readonly RequestOutcome[];
      try {
        outcomes = await work(session);
      } catch (undoneBy) {
        return { undoneBy };
      }
      this.#publish(session.commit());
      return { outcomes };
    });
  }

  #publish(events: readonly PlacedEvent[]): void {
    if (events.length > 0) for (const listener of this.#commitListeners) listener(events);
  }

  async readPage(query: ReadQuery): Promise<EventPage> {
    this.#lifetime.assertOpen(`read stream "${query.streamId}"`);
    return readPageOf(this.#state.events, query);
  }

  async getVersion(streamId: string): Promise<number> {
    this.#lifetime.assertOpen(`read the version of stream "${streamId}"`);
    return headOf(this.#state.events, streamId);
  }

  async getMetrics(streamId: string): Promise<StreamMetrics> {
    this.#lifetime.assertOpen(`read the metrics of stream "${streamId}"`);
    const { events } = this.#state;
    const last = lastOf(events, streamId);
    return {
      currentVersion: headOf(events, streamId),
      eventCount: events.count(streamId),
      lastTimestamp: last === undefined ? null : new Date(last.timestampMs),
    };
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>, retention?: SnapshotRetention): Promise<void> {
    const { streamId } = snapshot;
    const attempt = `save a snapshot of stream "${streamId}"`;
    this.#lifetime.assertOpen(attempt);
    if (isDeleted(this.#state.events, streamId)) throw streamDeleted(attempt, streamId, this.location);
    this.#snapshots.save(snapshot, retention);
  }

  async loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    this.#lifetime.assertOpen(`load a snapshot of stream "${query.streamId}"`);
    return this.#snapshots.load(query);
  }

  async listStreams(query: ListStreamsQuery): Promise<readonly StreamRow[]> {
    this.#lifetime.assertOpen("list the streams");
    return listStreams(this.#state, query);
  }

  async removeBefore(request: RemoveRequest): Promise<RemovedEvents> {
    this.#lifetime.assertOpen(`remove events of stream "${request.streamId}"`);
    using _turn = await this.#turns.take();
    const { events, records, location } = this.#state;
    await request.assertUnneeded?.(new RecordOverlay(records, location));
    return events.remove(request);
  }

  async deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    this.#lifetime.assertOpen(`delete snapshots of stream "${query.streamId}"`);
    return this.#snapshots.remove(query);
  }

  async countSnapshots(query: DeleteSnapshotsQuery): Promise<number> {
    this.#lifetime.assertOpen(`count snapshots of stream "${query.streamId}"`);
    return this.#snapshots.count(query);
  }

  // What nobody refers to any more is the garbage collector's.
  async reclaim(): Promise<ReclaimedBytes> {
    this.#lifetime.assertOpen("reclaim space");
    return { freed: 0, left: 0 };
  }

  async exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    this.#lifetime.assertOpen("copy the store");
    return work(new MemoryContents(this.#state, this.#snapshots));
  }

  async importContents(batch: ContentsBatch): Promise<boolean> {
    this.#lifetime.assertOpen("copy to the store");
    using _turn = await this.#turns.take();
    if (headOf(this.#state.events, ALL_STREAM) !== batch.after) return false;
    importContents(this.#state, this.#snapshots, batch);
    this.#publish(batch.put?.events ?? []);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.refuse();
    // The last turn comes after every call that was accepted.
    using _turn = await this.#turns.take();
    this.#commitListeners.clear();
  }
}
