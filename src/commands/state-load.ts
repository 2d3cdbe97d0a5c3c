import { DELETED_EVENT_TYPE, isStreamError, type Stream, type StreamFactory } from "../../protocols/index.js";
import { MAX_LOAD_ATTEMPTS } from "../limits.js";
import type { ParsedFold } from "./fold.js";
import { type FoundSnapshot, loadFoldSnapshot, saveFoldSnapshot } from "./fold-snapshots.js";
import { emptyState, type FoldedState, foldTail, streamIsDeleted } from "./folded-state.js";
import type { StateCacheImpl } from "./state-cache.js";

/** What a load is made of. */
export interface StateLoadParts<S> {
  readonly streams: StreamFactory;
  readonly fold: ParsedFold<S>;
  readonly streamId: string;
  readonly cache: StateCacheImpl | undefined;
  readonly atVersion?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Loads the state of a stream, by the shortest way that leads to it. */
export class StateLoad<S> {
  readonly #parts: StateLoadParts<S>;
  readonly #generation: number;

  constructor(parts: StateLoadParts<S>) {
    this.#parts = parts;
    this.#generation = parts.cache?.generation ?? 0;
  }

  /** Opens the stream, and loads. */
  async run(): Promise<FoldedState<S>> {
    const { streams, streamId, signal } = this.#parts;
    signal?.throwIfAborted();
    return this.from(await streams.openStream(streamId));
  }

  /** Loads from a handle of its own: what the handle has seen is part of the state. */
  async from(stream: Stream): Promise<FoldedState<S>> {
    const { cache, atVersion } = this.#parts;
    if (atVersion !== undefined && atVersion < stream.version) await this.#assertNotDeleted(stream);
    const folded = (await this.#fromCache(stream)) ?? (await this.#fromStore(stream));
    if (atVersion === undefined) cache?.put(this.#parts, folded, this.#generation);
    return folded;
  }

  /** What is new after a state, in the same stream. */
  async continue(stream: Stream, from: FoldedState<S>): Promise<FoldedState<S>> {
    const folded = (await this.#tail(stream, from)) ?? (await this.#fromStore(stream));
    this.#parts.cache?.put(this.#parts, folded, this.#generation);
    return folded;
  }

  async #fromCache(stream: Stream): Promise<FoldedState<S> | null> {
    const { cache, atVersion } = this.#parts;
    const cached = cache?.get(this.#parts) as FoldedState<S> | undefined;
    if (cached === undefined || (atVersion !== undefined && cached.version > atVersion)) return null;
    // The store is one that ends before: an older copy took its place.
    const folded = cached.version > stream.version ? null : await this.#tail(stream, cached);
    if (folded === null) cache?.drop(this.#parts);
    return folded;
  }

  /** Null: the state leads no further, and a snapshot, or the first event, may. */
  async #tail(stream: Stream, from: FoldedState<S>): Promise<FoldedState<S> | null> {
    try {
      return await this.#fold(stream, from);
    } catch (error) {
      if (isStreamError(error, "EVENTS_REMOVED")) return null;
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
    const folded = await foldTail(stream, fold, from, { upTo: atVersion, signal });
    const isLong =
      folded !== null && fold.snapshot !== undefined && folded.version - from.version > fold.snapshot.every;
    if (isLong && atVersion === undefined) saveFoldSnapshot(streams, stream, fold, folded);
    return folded;
  }

  /** @throws StreamDeletedError */
  async #assertNotDeleted(stream: Stream): Promise<void> {
    const { signal, streamId } = this.#parts;
    for await (const { type } of stream.read({ direction: "backward", limit: 1, signal })) {
      if (type === DELETED_EVENT_TYPE) throw streamIsDeleted(streamId);
    }
  }
}
