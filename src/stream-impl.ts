import {
  ALL_STREAM,
  type AppendRequest,
  type CandidateEvent,
  type EventShape,
  type LoadSnapshotOptions,
  ReadOnlyStreamError,
  type ReadOptions,
  type Snapshot,
  type SnapshotOptions,
  type StoredEvent,
  type Stream,
  type StreamBackend,
  type StreamMetrics,
  type Watch,
  type WatchOptions,
  type WriteOptions,
  type WriteResult,
} from "../protocols/index.js";
import type { AcceptedWork } from "./accepted-work.js";
import {
  checkExpectedVersion,
  checkName,
  checkOptions,
  checkPlace,
  checkSignal,
  invalidArgument,
} from "./check-arguments.js";
import { encodeEvents } from "./encode-events.js";
import { Lifetime } from "./lifetime.js";
import { type ReadContext, readEvents } from "./read-events.js";
import { parseReadOptions } from "./read-options.js";
import { decodeState, encodeState } from "./snapshot-codec.js";
import { parseWatchOptions, watchEvents } from "./watch/watch-events.js";

const DEFAULT_PROJECTION = "default";

/** What a handle shares with the other handles of its factory. */
export interface StreamContext extends StreamBackend {
  readonly lifetime: Lifetime;
  /** What the factory's disposal waits for. */
  readonly accepted: AcceptedWork;
}

/** A handle on one stream: checks and encodes what comes in, and leaves every decision to storage. */
export class StreamImpl implements Stream {
  readonly streamId: string;
  readonly #context: StreamContext;
  readonly #lifetime: Lifetime;
  #version: number;

  constructor(streamId: string, version: number, context: StreamContext) {
    this.streamId = streamId;
    this.#version = version;
    this.#context = context;
    this.#lifetime = new Lifetime(`the handle on stream "${streamId}"`, context.lifetime);
  }

  get version(): number {
    return this.#version;
  }

  // Up to the call of append nothing waits: the events are taken as they are, and writes keep the order of their calls.
  async write(events: CandidateEvent | readonly CandidateEvent[], options: WriteOptions = {}): Promise<WriteResult> {
    const request = this.#appendRequest(events, options);
    const result = await this.#context.accepted.run(() => this.#context.storage.append(request));
    this.#learn(result.version);
    return result;
  }

  #appendRequest(events: CandidateEvent | readonly CandidateEvent[], options: WriteOptions): AppendRequest {
    this.#lifetime.assertOpen(`write to stream "${this.streamId}"`);
    checkOptions(options);
    const { expectedVersion = "any", signal } = options;
    if (this.streamId === ALL_STREAM) {
      const message = `Cannot write to "${ALL_STREAM}": it is the read-only stream of every event. Write to a stream by its id.`;
      throw new ReadOnlyStreamError(this.streamId, message);
    }
    checkExpectedVersion(expectedVersion);
    checkSignal(signal);
    signal?.throwIfAborted();
    const candidates = Array.isArray(events) ? events : [events as CandidateEvent];
    const encoded = encodeEvents(this.streamId, candidates, this.#context.storage.location);
    return { streamId: this.streamId, events: encoded, expectedVersion, signal };
  }

  read(options?: ReadOptions): AsyncIterable<StoredEvent> {
    const plan = orThrowLater(() => parseReadOptions(options));
    const context = this.#readContext();
    return { [Symbol.asyncIterator]: () => readEvents(context, plan) };
  }

  watch(options?: WatchOptions): Watch {
    const after = this.#version;
    const plan = orThrowLater(() => parseWatchOptions(options, after));
    return watchEvents({ ...this.#readContext(), notifier: this.#context.notifier }, plan);
  }

  #readContext(): ReadContext {
    const { storage } = this.#context;
    const onEvent = (event: StoredEvent): void =>
      this.#learn(this.streamId === ALL_STREAM ? event.position : event.version);
    return { storage, streamId: this.streamId, lifetime: this.#lifetime, onEvent };
  }

  async snapshot(state: unknown, options: SnapshotOptions = {}): Promise<void> {
    this.#lifetime.assertOpen(`save a snapshot of stream "${this.streamId}"`);
    checkOptions(options);
    const { version = this.#defaultSnapshotVersion(), projection = DEFAULT_PROJECTION } = options;
    checkPlace("version", version);
    checkName("projection", projection);
    await this.#context.accepted.run(() => this.#saveSnapshot(state, projection, version));
  }

  #defaultSnapshotVersion(): number {
    if (this.streamId !== ALL_STREAM) return this.#version;
    throw invalidArgument("version", `a snapshot of "${ALL_STREAM}" needs the position that its state has reached`);
  }

  async #saveSnapshot(state: unknown, projection: string, version: number): Promise<void> {
    const { storage } = this.#context;
    const { streamId } = this;
    const encoded = await encodeState(state);
    if (version > this.#version) {
      const current = await storage.getVersion(streamId);
      if (version > current) {
        throw invalidArgument("version", `${version} is beyond stream "${streamId}", which is at ${current}`);
      }
    }
    await storage.saveSnapshot({ streamId, projection, version, timestamp: new Date(), state: encoded });
  }

  async loadSnapshot<S = unknown>(options: LoadSnapshotOptions = {}): Promise<Snapshot<S> | null> {
    this.#lifetime.assertOpen(`load a snapshot of stream "${this.streamId}"`);
    checkOptions(options);
    const { projection = DEFAULT_PROJECTION, atOrBefore = Number.MAX_SAFE_INTEGER } = options;
    checkName("projection", projection);
    checkPlace("atOrBefore", atOrBefore);
    const snapshot = await this.#context.storage.loadSnapshot({ streamId: this.streamId, projection, atOrBefore });
    return snapshot && { ...snapshot, state: (await decodeState(snapshot.state)) as S };
  }

  async metrics(): Promise<StreamMetrics> {
    this.#lifetime.assertOpen(`read the metrics of stream "${this.streamId}"`);
    return this.#context.storage.getMetrics(this.streamId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.close();
  }

  #learn(version: number): void {
    if (version > this.#version) this.#version = version;
  }
}

/** Works a value out now, and reports a failure only when the value is asked for. */
function orThrowLater<T>(compute: () => T): () => T {
  try {
    const value = compute();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** Narrows a handle to the events of its stream. The types are the caller's word; storage knows only events. */
export function typedStream<E extends EventShape>(stream: Stream): Stream<E> {
  return stream as unknown as Stream<E>;
}
