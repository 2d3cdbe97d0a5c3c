import {
  ALL_STREAM,
  type AppendRequest,
  type CandidateEvent,
  type LoadSnapshotOptions,
  type PlacedEvent,
  type ReadOptions,
  type Snapshot,
  type SnapshotOptions,
  type StoredEvent,
  type StreamBackend,
  type StreamMetrics,
  type Watch,
  type WatchOptions,
  type WriteOptions,
  type WriteResult,
} from "../../protocols/index.js";
import { decodeEvent } from "../adapter-kit/decode-event.js";
import { Lifetime } from "../adapter-kit/lifetime.js";
import type { PendingWork } from "../adapter-kit/pending-work.js";
import { warnOfBeyondEnd, wentBackError } from "../read/beyond-end.js";
import type { PageStorage, ReadObserver } from "../read/page-reader.js";
import { type ReadContext, readEvents } from "../read/read-events.js";
import { parseReadOptions, type ReadPlan } from "../read/read-options.js";
import { loadSnapshot, type SnapshotContext, saveSnapshot } from "../snapshot/stream-snapshots.js";
import type { CallGuard } from "../transaction/call-guard.js";
import type { GroupedAppends } from "../transaction/grouped-appends.js";
import { checkOptionsAfter, checkSignal, type OptionNames } from "../validate/check-arguments.js";
import { inCall, inStore } from "../validate/in-call.js";
import { orThrowLater } from "../validate/or-throw-later.js";
import type { EventHooks } from "../view/event-hooks.js";
import { OrderedAppends } from "../view/ordered-appends.js";
import { parseWatchOptions, watchEvents } from "../watch/watch-events.js";
import { appendRequest } from "../write/append-request.js";
import { acceptAppend } from "./accept-append.js";
import type { MemoryBudget } from "./memory-budget.js";
import type { Participant } from "./participant.js";
import { READ_AND_OBSERVE } from "./read-and-observe.js";
import type { StoreService } from "./store-service.js";
import type { UntypedStream } from "./typed-stream.js";
import { type SeenWrite, WRITE_AND_SEE } from "./write-and-see.js";

const WRITE_OPTIONS: OptionNames<WriteOptions> = { expectedVersion: true, signal: true };

/** The objects that a handle shares with the other handles of its factory. */
export interface StreamContext extends StreamBackend {
  readonly lifetime: Lifetime;
  /** The work that the factory's disposal waits for. */
  readonly pendingWrites: PendingWork;
  readonly memory: MemoryBudget;
  /** Knows which calls a transaction's callback makes. */
  readonly calls: CallGuard;
  /** What the factory's disposal stops first. */
  readonly services: Set<StoreService>;
  /** What takes part in the transactions that store events. */
  readonly participants: Set<Participant>;
  /** The appends that they take part in. */
  readonly grouped: GroupedAppends;
  readonly now: () => number;
  /** What decorators do with the events. Absent for the store itself. */
  readonly hooks?: EventHooks | undefined;
}

/** A handle on one stream: checks and encodes what comes in, and leaves every decision to storage. */
export class StreamImpl implements UntypedStream {
  readonly streamId: string;
  readonly #context: StreamContext;
  readonly #lifetime: Lifetime;
  readonly #order: OrderedAppends | undefined;
  #version: number;
  #hasWarned = false;

  constructor(streamId: string, version: number, context: StreamContext) {
    this.streamId = streamId;
    this.#version = version;
    this.#context = context;
    const subject = `the handle on stream "${streamId}"${inStore(context.storage.location)}`;
    this.#lifetime = new Lifetime(subject, context.lifetime);
    if (context.hooks?.beforeAppend !== undefined) this.#order = new OrderedAppends();
  }

  get version(): number {
    return this.#version;
  }

  // Up to the call of append nothing waits: the events are taken as they are, and writes keep the order of their calls.
  // The caller's object is not retained while the write waits.
  write(events: CandidateEvent | readonly CandidateEvent[], options: WriteOptions = {}): Promise<WriteResult> {
    return this.#write(events, options);
  }

  #write(
    events: CandidateEvent | readonly CandidateEvent[],
    options: WriteOptions,
    onPlaced?: AppendRequest["onPlaced"],
  ): Promise<WriteResult> {
    try {
      const request = this.#appendRequest(events, options, onPlaced);
      const append = () => acceptAppend(this.#context, request, this.#onStored, this.#order);
      return this.#context.calls.note(append, "stream.write", this.streamId);
    } catch (error) {
      return Promise.reject(this.#inCall(error, "write to"));
    }
  }

  /** Writes, and returns the events as readers get them, where storage says where they are: see `writeAndSee`. */
  async [WRITE_AND_SEE](events: readonly CandidateEvent[], options: WriteOptions): Promise<SeenWrite> {
    let placed: readonly PlacedEvent[] = [];
    const onPlaced = (stored: readonly PlacedEvent[]): void => {
      placed = stored;
    };
    const result = await this.#write(events, options, onPlaced);
    if (result.written === 0 || placed.length !== result.written) return { result };
    const stored = placed.map((event) => decodeEvent(event.event, event));
    const { afterRead } = this.#context.hooks ?? {};
    if (afterRead === undefined) return { result, stored };
    const { events: seen, failure } = await afterRead(stored);
    return failure === undefined ? { result, stored: seen } : { result };
  }

  readonly #onStored = ({ version }: WriteResult): void => this.#learn(version);

  #appendRequest(
    events: CandidateEvent | readonly CandidateEvent[],
    options: WriteOptions,
    onPlaced: AppendRequest["onPlaced"],
  ): AppendRequest {
    this.#lifetime.assertOpen(`write to stream "${this.streamId}"`);
    this.#context.calls.assertOutside("stream.write", this.streamId);
    const { storage, hooks } = this.#context;
    const prepare = hooks?.beforeEncode;
    checkOptionsAfter(() => appendRequest(this.streamId, events, "any", storage, { prepare }), options, WRITE_OPTIONS);
    const { expectedVersion = "any", signal } = options;
    checkSignal(signal);
    signal?.throwIfAborted();
    return appendRequest(this.streamId, events, expectedVersion, storage, { signal, prepare, onPlaced });
  }

  read(options?: ReadOptions): AsyncIterable<StoredEvent> {
    return this.#read(options);
  }

  /** See `readAndObserve`. */
  [READ_AND_OBSERVE](options: ReadOptions, observer: ReadObserver): AsyncIterable<StoredEvent> {
    return this.#read(options, observer);
  }

  #read(options: ReadOptions | undefined, observer?: ReadObserver): AsyncIterable<StoredEvent> {
    const plan = orThrowLater(
      () => parseReadOptions(options, this.#context.hooks),
      (error) => this.#inCall(error, "read"),
    );
    const context = this.#readContext("stream.read", observer);
    const begin = (): ReadPlan => {
      this.#context.calls.assertOutside("stream.read", this.streamId);
      return plan();
    };
    return { [Symbol.asyncIterator]: () => readEvents(context, begin) };
  }

  watch(options?: WatchOptions): Watch {
    const after = this.#version;
    const plan = orThrowLater(
      () => parseWatchOptions(options, after, this.#context.hooks),
      (error) => this.#inCall(error, "watch"),
    );
    const { notifier, calls } = this.#context;
    return watchEvents({ ...this.#readContext("stream.watch"), notifier }, () => {
      calls.assertOutside("stream.watch", this.streamId);
      return plan();
    });
  }

  #readContext(call: "stream.read" | "stream.watch", observer?: ReadObserver): ReadContext {
    const { memory, hooks } = this.#context;
    const storage = this.#notedReads(call);
    const onEvent = (event: StoredEvent): void =>
      this.#learn(this.streamId === ALL_STREAM ? event.position : event.version);
    const onBeyondEnd = (place: number, head: number, isGiven: boolean): Promise<void> =>
      this.#readBeyondEnd(place, head, isGiven);
    return {
      storage,
      streamId: this.streamId,
      lifetime: this.#lifetime,
      memory,
      hooks,
      onEvent,
      onBeyondEnd,
      observer,
    };
  }

  // A read waits for a transaction where the store has one connection for both.
  #notedReads(call: string): PageStorage {
    const { storage, calls } = this.#context;
    return {
      location: storage.location,
      readPage: (query) => calls.note(() => storage.readPage(query), call, query.streamId),
      getVersion: (streamId) => calls.note(() => storage.getVersion(streamId), call, streamId),
    };
  }

  // A place that this handle has seen was there. Of any other place only the caller knows whether it should be there.
  async #readBeyondEnd(place: number, head: number, isGiven: boolean): Promise<void> {
    const { storage } = this.#context;
    const beyond = { storage, streamId: this.streamId, place, head, isGiven };
    if (!isGiven || place <= this.#version) throw await wentBackError("read", { ...beyond, isGiven: false });
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    await warnOfBeyondEnd(beyond);
  }

  async snapshot(state: unknown, options: SnapshotOptions = {}): Promise<void> {
    this.#lifetime.assertOpen(`save a snapshot of stream "${this.streamId}"`);
    this.#context.calls.assertOutside("stream.snapshot", this.streamId);
    this.#context.pendingWrites.begin();
    try {
      const save = () => saveSnapshot(this.#snapshotContext(), state, options);
      await this.#context.calls.note(save, "stream.snapshot", this.streamId);
    } catch (error) {
      throw this.#inCall(error, "save a snapshot of");
    } finally {
      this.#context.pendingWrites.end();
    }
  }

  async loadSnapshot<S = unknown>(options: LoadSnapshotOptions = {}): Promise<Snapshot<S> | null> {
    this.#lifetime.assertOpen(`load a snapshot of stream "${this.streamId}"`);
    this.#context.calls.assertOutside("stream.loadSnapshot", this.streamId);
    try {
      const load = () => loadSnapshot(this.#snapshotContext(), options);
      return (await this.#context.calls.note(load, "stream.loadSnapshot", this.streamId)) as Snapshot<S> | null;
    } catch (error) {
      throw this.#inCall(error, "load a snapshot of");
    }
  }

  #snapshotContext(): SnapshotContext {
    const { storage, memory, now, hooks } = this.#context;
    return { storage, memory, now, hooks, streamId: this.streamId, knownVersion: this.#version };
  }

  async metrics(): Promise<StreamMetrics> {
    this.#lifetime.assertOpen(`read the metrics of stream "${this.streamId}"`);
    this.#context.calls.assertOutside("stream.metrics", this.streamId);
    const { storage, calls } = this.#context;
    return calls.note(() => storage.getMetrics(this.streamId), "stream.metrics", this.streamId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.close();
  }

  #inCall(error: unknown, attempt: string): unknown {
    return inCall(error, `${attempt} stream "${this.streamId}"`, this.#context.storage.location);
  }

  #learn(version: number): void {
    if (version > this.#version) this.#version = version;
  }
}
