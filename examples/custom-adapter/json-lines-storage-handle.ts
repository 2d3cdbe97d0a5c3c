import {
  type AppendRequest,
  type AppendResult,
  type EncodedState,
  type EventPage,
  type ReadQuery,
  type Snapshot,
  type SnapshotQuery,
  type StorageHandle,
  StreamClosedError,
  type StreamMetrics,
} from "async-streams";
import { appendEvents } from "./append-events.js";
import type { JsonLinesNotifier } from "./json-lines-notifier.js";
import type { JsonLinesStore } from "./json-lines-store.js";
import { readEventPage } from "./read-event-page.js";

/** The storage protocol over a file of JSON lines. One process may have the file open, and one handle. */
export class JsonLinesStorageHandle implements StorageHandle {
  readonly location: string;
  readonly #store: JsonLinesStore;
  readonly #notifier: JsonLinesNotifier;
  /** The last of the queued changes: one runs at a time, which is all the transaction that this store needs. */
  #lastChange: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(store: JsonLinesStore, notifier: JsonLinesNotifier) {
    this.location = store.file.path;
    this.#store = store;
    this.#notifier = notifier;
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    return this.#enqueue(async () => {
      request.signal?.throwIfAborted();
      return appendEvents(this.#store, this.#notifier, request);
    });
  }

  async readPage(query: ReadQuery): Promise<EventPage> {
    this.#checkOpen();
    return readEventPage(this.#store, query);
  }

  async getVersion(streamId: string): Promise<number> {
    this.#checkOpen();
    return this.#store.events.placesOf(streamId).length;
  }

  async getMetrics(streamId: string): Promise<StreamMetrics> {
    this.#checkOpen();
    const places = this.#store.events.placesOf(streamId);
    const last = places.at(-1);
    const lastTimestamp = last === undefined ? null : new Date(last.timestampMs);
    return { currentVersion: places.length, eventCount: places.length, lastTimestamp };
  }

  async saveSnapshot(snapshot: Snapshot<EncodedState>): Promise<void> {
    await this.#enqueue(() => this.#store.addSnapshot(snapshot));
  }

  async loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null> {
    this.#checkOpen();
    const line = this.#store.snapshots.findNewest(query);
    return line === undefined ? null : this.#store.readSnapshot(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#lastChange.then(() => this.#store.file.close());
    await this.#closing;
  }

  /** Runs after every change that was asked for before. A change that fails does not keep the next one from running. */
  async #enqueue<T>(change: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => {});
    return result;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StreamClosedError(`The store ${this.location} has been closed`);
  }
}
