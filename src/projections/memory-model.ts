import { type Observable, Subject } from "rxjs";
import {
  ALL_STREAM,
  type EventShape,
  type StoredEvent,
  type Stream,
  StreamClosedError,
  type StreamFactory,
} from "../../protocols/index.js";
import { tell } from "../commands/command-messages.js";
import type { WhenProcessedOptions } from "../consumers/consumer.js";
import { Wake } from "../consumers/wake.js";
import { waitUntilProcessed } from "../consumers/when-processed.js";
import { findStreamContext } from "../stream/context-access.js";
import type { StoreService } from "../stream/store-service.js";
import { synchronous } from "../validate/synchronous.js";
import { StorageOutage } from "../watch/storage-outage.js";
import type { Batch, EventSource } from "./event-source.js";
import type { MemoryProjection, MemoryReadModel } from "./memory-projection.js";

const BATCH_EVENTS = 1_024;

/** What a read model in memory works with. */
export interface MemoryParts<S, E extends EventShape> {
  readonly streams: StreamFactory;
  readonly all: Stream;
  readonly source: EventSource;
  readonly definition: MemoryProjection<S, E>;
  readonly projection: string;
}

/** A read model in memory that follows the store. */
export class MemoryModel<S, E extends EventShape> implements MemoryReadModel<S>, StoreService {
  readonly changes: Observable<S>;
  readonly #parts: MemoryParts<S, E>;
  readonly #subject = new Subject<S>();
  readonly #wake = new Wake();
  readonly #stopping = new AbortController();
  readonly #progress = new Set<() => void>();
  #state: S;
  #position: number;
  #unsaved = 0;
  #stopListening: () => void = () => undefined;
  #following: Promise<void> = Promise.resolve();
  /** Whether it has what was stored at the call. Before, the call fails with whatever happens. */
  #follows = false;
  readonly #outage: StorageOutage;
  /** Why it goes no further. */
  #end: { readonly error: unknown } | undefined;

  constructor(parts: MemoryParts<S, E>, start: { readonly state: S; readonly position: number }) {
    this.#parts = parts;
    this.#state = start.state;
    this.#position = start.position;
    this.changes = this.#subject.asObservable();
    const store = findStreamContext(parts.streams)?.storage.location;
    this.#outage = new StorageOutage(() => ({ store, streamId: ALL_STREAM, after: this.#position }));
  }

  get state(): S {
    return this.#state;
  }

  get position(): number {
    return this.#position;
  }

  /** Resolves when it has everything up to a position, and follows from there. */
  async start(head: number): Promise<void> {
    const isThere = this.#catchUp(head);
    this.#following = isThere.then(() => this.#follow()).catch((error) => this.#endWith(error));
    await isThere;
  }

  async #catchUp(head: number): Promise<void> {
    const { source, streams } = this.#parts;
    findStreamContext(streams)?.services.add(this);
    this.#stopListening = await source.onCommit(
      streams,
      () => this.#wake.wake(),
      () => void this.stop(),
    );
    while (this.#position < head) await this.#takeBatch();
  }

  async #follow(): Promise<never> {
    this.#follows = true;
    for (;;) {
      this.#stopping.signal.throwIfAborted();
      if (!(await this.#takeBatch())) await this.#wake.wait();
    }
  }

  async #endWith(error: unknown): Promise<void> {
    const { source, streams, all } = this.#parts;
    const { signal } = this.#stopping;
    this.#end = { error: signal.aborted ? signal.reason : error };
    this.#stopListening();
    findStreamContext(streams)?.services.delete(this);
    if (signal.aborted) this.#subject.complete();
    else this.#subject.error(error);
    this.#onProgress();
    await source[Symbol.asyncDispose]();
    await all[Symbol.asyncDispose]();
  }

  #onProgress(): void {
    for (const listener of [...this.#progress]) listener();
  }

  /** @returns whether there may be more */
  async #takeBatch(): Promise<boolean> {
    const { definition } = this.#parts;
    const { events, upTo, head } = await this.#read();
    for (const event of events) {
      this.#state = synchronous("evolve", definition.evolve(this.#state, event as StoredEvent<E>));
      this.#position = event.position;
      this.#unsaved += 1;
      this.#subject.next(this.#state);
    }
    this.#position = upTo;
    this.#onProgress();
    const { snapshotEvery } = definition;
    if (snapshotEvery !== undefined && this.#unsaved >= snapshotEvery) await this.#saveSnapshot();
    return upTo < head;
  }

  /** A failure is a message: the snapshot is only a shortcut, and another one comes after as many events. */
  async #saveSnapshot(): Promise<void> {
    const { all, projection } = this.#parts;
    this.#unsaved = 0;
    try {
      await all.snapshot(this.#state, { version: this.#position, projection, keep: 1 });
    } catch (error) {
      this.#stopping.signal.throwIfAborted();
      tell({ kind: "snapshot-failed", streamId: ALL_STREAM, projection, error });
    }
  }

  /** Reads again and again while the server or the key store is away, as a watch does. */
  async #read(): Promise<Batch> {
    const { source, definition } = this.#parts;
    const query = { after: this.#position, limit: BATCH_EVENTS, signal: this.#stopping.signal };
    for (;;) {
      try {
        const batch = await source.read(definition, query);
        this.#outage.over();
        return batch;
      } catch (error) {
        if (!this.#follows || !StorageOutage.isOf(error)) throw error;
        await this.#outage.wait(error);
        this.#stopping.signal.throwIfAborted();
      }
    }
  }

  async whenProcessed(position: number, options: WhenProcessedOptions = {}): Promise<void> {
    const { definition, streams } = this.#parts;
    const location = findStreamContext(streams)?.storage.location;
    const isProcessed = async (): Promise<boolean> => {
      if (this.#position >= position) return true;
      if (this.#end !== undefined) throw this.#end.error;
      return false;
    };
    const failure = (): string | undefined => {
      const { error } = this.#outage;
      return error instanceof Error ? `It waits, since it cannot read: ${error.message}` : undefined;
    };
    const processing = { location, isProcessed, listeners: this.#progress, failure };
    await waitUntilProcessed(definition.name, position, options, processing);
  }

  /** Ends it, at the latest with the store. */
  async stop(): Promise<void> {
    const { definition } = this.#parts;
    this.#stopping.abort(
      new StreamClosedError(`The read model "${definition.name}" has ended: it or its store has been disposed.`),
    );
    this.#outage.close();
    this.#wake.wake();
    await this.#following;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
