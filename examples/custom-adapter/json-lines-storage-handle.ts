import type {
  AppendRequest,
  AppendResult,
  EncodedState,
  EventPage,
  ReadQuery,
  Snapshot,
  SnapshotQuery,
  StorageHandle,
  StreamMetrics,
} from "async-streams";
import { Lifetime, PendingWork } from "async-streams/adapter";
import { appendEvents } from "./append-events.js";
import type { JsonLinesNotifier } from "./json-lines-notifier.js";
import type { JsonLinesStore } from "./json-lines-store.js";
import { readEventPage } from "./read-event-page.js";

/** The storage protocol over a file of JSON lines. One process may have the file open, and one handle. */
export class JsonLinesStorageHandle implements StorageHandle {
  readonly location: string;
  readonly #store: JsonLinesStore;
  readonly #notifier: JsonLinesNotifier;
  readonly #lifetime: Lifetime;
  readonly #calls = new PendingWork();
  /** The last of the queued changes: one runs at a time, which is all the transaction that this store needs. */
  #lastChange: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | undefined;

  constructor(store: JsonLinesStore, notifier: JsonLinesNotifier) {
    this.location = store.file.path;
    this.#store = store;
    this.#notifier = notifier;
    this.#lifetime = new Lifetime(`the store ${this.location}`);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#change(`write to stream "${request.streamId}"`, async () => {
      request.signal?.throwIfAborted();
      return appendEvents(this.#store, this.#notifier, request);
    });
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#call(`read stream "${query.streamId}"`, () => readEventPage(this.#store, query));
  }

  getVersion(streamId: string): Promise<number> {
    const attempt = `read the version of stream "${streamId}"`;
    return this.#call(attempt, async () => this.#store.events.placesOf(streamId).length);
  }

  getMetrics(streamId: string): Promise<StreamMetrics> {
    return this.#call(`read the metrics of stream "${streamId}"`, async () => {
      const places = this.#store.events.placesOf(streamId);
      const last = places.at(-1);
      const lastTimestamp = last === undefined ? null : new Date(last.timestampMs);
      return { currentVersion: places.length, eventCount: places.length, lastTimestamp };
    });
  }

  saveSnapshot(snapshot: Snapshot<EncodedState>): Promise<void> {
    return this.#change(`save a snapshot of stream "${snapshot.streamId}"`, () => this.#store.addSnapshot(snapshot));
  }

  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    return this.#call(`load a snapshot of stream "${query.streamId}"`, async () => {
      const line = this.#store.snapshots.findNewest(query);
      return line === undefined ? null : this.#store.readSnapshot(line);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#lifetime.refuse();
    await this.#calls.drained();
    await this.#store.file.close();
  }

  /** Runs after every change that was asked for before. A change that fails does not keep the next one from running. */
  #change<T>(attempt: string, change: () => Promise<T>): Promise<T> {
    return this.#call(attempt, () => {
      const result = this.#lastChange.then(change);
      this.#lastChange = result.catch(() => {});
      return result;
    });
  }

  async #call<T>(attempt: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.assertOpen(attempt);
    this.#calls.begin();
    try {
      return await work();
    } finally {
      this.#calls.end();
    }
  }
}
