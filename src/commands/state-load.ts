import { DELETED_EVENT_TYPE, isStreamError, type Stream, type StreamFactory } from "../../protocols/index.js";
import { MAX_LOAD_ATTEMPTS } from "../limits.js";
import { findStreamContext } from "../stream/context-access.js";
import type { ParsedFold } from "./fold.js";
import { type FoundSnapshot, loadFoldSnapshot, saveFoldSnapshot } from "./fold-snapshots.js";
import { emptyState, type FoldedState, foldTail, streamIsDeleted } from "./folded-state.js";
import type { StateCacheImpl } from "./state-cache.js";
import type { CachedState, StoreStates } from "./store-states.js";

/** What a load is made of. */
export interface StateLoadParts<S> {
  readonly streams: StreamFactory;
  readonly fold: ParsedFold<S>;
  readonly streamId: string;
  readonly cache: StateCacheImpl | undefined;
  readonly atVersion?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A state, and the handle that it was read with. */
export interface LoadedFrom<S> {
  readonly stream: Stream;
  readonly folded: FoldedState<S>;
  /** Where in the cache it was, if it was there and up to date. */
  readonly cached?: CachedState | undefined;
}

/** Loads the state of a stream, by the shortest way that leads to it. */
export class StateLoad<S> {
  readonly #parts: StateLoadParts<S>;
  readonly #states: StoreStates | undefined;
  /** What the cache had. Its handle may have seen another store, even if the cache has let go of it meanwhile. */
  #cached: CachedState | undefined;
  /** What readers got of the events when the last run began: see `EventHooks.generation`. */
  #generation: number | undefined;

  constructor(parts: StateLoadParts<S>) {
    this.#parts = parts;
    this.#states = parts.cache?.of(parts.streams);
  }

  /** The handle that the state is in the cache with. */
  get cachedStream(): Stream | undefined {
    const { streamId, fold } = this.#parts;
    this.#cached = this.#states?.get(streamId, fold);
    return this.#cached?.stream;
  }

  /** The name of the store in messages. */
  get #location(): string | undefined {
    return findStreamContext(this.#parts.streams)?.storage.location;
  }

  /**
   * @param stream - a handle that was opened for it
   * @param before - a state to go on from, where the cache has none
   */
  async run(stream?: Stream, before?: FoldedState<S>): Promise<LoadedFrom<S>> {
    const { streamId, fold, atVersion, signal } = this.#parts;
    signal?.throwIfAborted();
    const states = this.#states;
    const isOutdated = this.#isOutdated();
    if (states === undefined || atVersion !== undefined) return this.#load(undefined, stream, before, isOutdated);
    const cached = states.get(streamId, fold, this.#cached);
    const refreshed = cached && (await states.refresh(cached, signal));
    // A version that was in conflict is not where the stream ends: readers may not see its last events.
    if (refreshed && refreshed.version !== before?.version)
      return { stream: cached.stream, folded: refreshed as FoldedState<S>, cached };
    const loading = states.begin(streamId);
    let found: LoadedFrom<S> | undefined;
    try {
      found = await this.#load(states, stream, before, isOutdated);
      return found;
    } finally {
      states.end(loading, found && { ...found, fold });
    }
  }

  /** Whether readers get something else now of what the run before has read. */
  #isOutdated(): boolean {
    const before = this.#generation;
    this.#generation = findStreamContext(this.#parts.streams)?.hooks?.generation?.();
    return this.#generation !== before;
  }

  async #load(
    states: StoreStates | undefined,
    given: Stream | undefined,
    before: FoldedState<S> | undefined,
    isOutdated: boolean,
  ): Promise<LoadedFrom<S>> {
    const { streams, streamId, fold, atVersion } = this.#parts;
    const cached = states?.get(streamId, fold);
    if (cached !== undefined) {
      const folded = await this.#tail(cached.stream, cached.folded);
      if (folded !== null && folded.version !== before?.version) return { stream: cached.stream, folded };
      states?.drop(cached);
    }
    const canGoOn = given !== undefined && before !== undefined && !isOutdated;
    const from = canGoOn ? await this.#tail(given, before) : null;
    if (given !== undefined && from !== null && from.version !== before?.version)
      return { stream: given, folded: from };
    // What a handle has seen may have been of another store, where its state is.
    const isUsable = given !== undefined && given !== this.#cached?.stream && before === undefined;
    const stream = isUsable ? given : await streams.openStream(streamId);
    if (atVersion !== undefined && atVersion < stream.version) await this.#assertNotDeleted(stream);
    return { stream, folded: await this.#fromStore(stream) };
  }

  /** Null: the state leads no further, and a snapshot, or the first event, may. Or it is of another store. */
  async #tail(stream: Stream, from: FoldedState<unknown>): Promise<FoldedState<S> | null> {
    try {
      return await this.#fold(stream, from as FoldedState<S>);
    } catch (error) {
      if (isStreamError(error, "EVENTS_REMOVED") || isStreamError(error, "STORAGE_WENT_BACK")) return null;
      throw error;
    }
  }

  async #fromStore(stream: Stream): Promise<FoldedState<S>> {
    const { fold, atVersion } = this.#parts;
    const length = Math.min(stream.version, atVersion ?? stream.version);
    // Only where the first events were removed a snapshot of fewer events is more than a shortcut.
    let isWanted = fold.snapshot !== undefined && length >= fold.snapshot.every;
    for (let attempt = 1; ; attempt += 1) {
      const found: FoundSnapshot<S> = isWanted ? await loadFoldSnapshot(stream, fold, atVersion) : {};
      try {
        return (await this.#fold(stream, found.folded ?? emptyState(fold))) as FoldedState<S>;
      } catch (error) {
        if (!isStreamError(error, "EVENTS_REMOVED")) throw error;
        await this.#assertNotDeleted(stream);
        // While it was read more may have been removed, up to a later snapshot.
        const isLast = isWanted && (found.folded === undefined || attempt === MAX_LOAD_ATTEMPTS);
        if (isLast) throw found.unusable ?? error;
        isWanted = true;
      }
    }
  }

  async #fold(stream: Stream, from: FoldedState<S>): Promise<FoldedState<S> | null> {
    const { streams, fold, atVersion, signal } = this.#parts;
    const folded = await foldTail(stream, fold, from, { upTo: atVersion, signal, location: this.#location });
    const isLong =
      folded !== null && fold.snapshot !== undefined && folded.version - from.version > fold.snapshot.every;
    if (isLong && atVersion === undefined) saveFoldSnapshot(streams, stream, fold, folded);
    return folded;
  }

  /** @throws StreamDeletedError */
  async #assertNotDeleted(stream: Stream): Promise<void> {
    const { signal, streamId } = this.#parts;
    for await (const { type } of stream.read({ direction: "backward", limit: 1, signal })) {
      if (type === DELETED_EVENT_TYPE) throw streamIsDeleted(streamId, this.#location);
    }
  }
}
