import type { StoredEvent, Stream, StreamFactory } from "../../protocols/index.js";
import { findStreamContext } from "../stream/context-access.js";
import type { ParsedFold } from "./fold.js";
import { evolved, type FoldedState, placeOf } from "./folded-state.js";
import { SharedTail, type TailSession } from "./shared-tail.js";

/** A state in a cache. */
export interface CachedState {
  readonly states: StoreStates;
  readonly streamId: string;
  readonly fold: ParsedFold;
  /** The handle that it was read with, and that is written with. */
  readonly stream: Stream;
  /** Replaced as a whole, so that whoever has got one keeps it. */
  folded: FoldedState<unknown>;
  /** Since when the tail of the store keeps it up to date; undefined: its own stream has to be read. */
  session: TailSession | undefined;
  /** Whether the tail has had its last event: one that it never has is lost. */
  isPassed: boolean;
  /** Whether it still is in the cache. */
  isKept: boolean;
}

/** A load that is under way. */
export interface Loading {
  readonly streamId: string;
  readonly generation: number;
  readonly session: TailSession | undefined;
  /** Up to where the tail had been read. */
  readonly position: number;
  /** The last version of the stream that the tail of the store had meanwhile. */
  passedVersion: number;
}

/** What all stores of a cache share. */
export interface CacheUse {
  /** Grows when states are cleared: what was loaded before is not put in afterwards. */
  readonly generation: number;
  used(entry: CachedState): void;
  dropped(entry: CachedState): void;
}

/** What a load has found. */
export interface FoundState {
  readonly fold: ParsedFold;
  readonly stream: Stream;
  readonly folded: FoldedState<unknown>;
}

/** The states of one store that a cache keeps. */
export class StoreStates {
  readonly #cache: CacheUse;
  readonly #tail: SharedTail;
  /** By streams, and by the names and versions of folds. */
  readonly #entries = new Map<string, Map<string, CachedState>>();
  readonly #loading = new Map<string, Set<Loading>>();
  /** Grows when readers of the store get something else of the same events. */
  readonly #generationOfReads: () => number;
  #seenGeneration: number;

  constructor(streams: StreamFactory, cache: CacheUse) {
    this.#cache = cache;
    this.#generationOfReads = findStreamContext(streams)?.hooks?.generation ?? (() => 0);
    this.#seenGeneration = this.#generationOfReads();
    this.#tail = new SharedTail(streams, (event) => this.#take(event));
  }

  /** @param known - what it gave before, which is found without a search while it is there */
  get(streamId: string, fold: ParsedFold, known?: CachedState): CachedState | undefined {
    this.#dropOutdated();
    if (known?.isKept === true) return known;
    const entry = this.#find({ streamId, fold });
    if (entry !== undefined) this.#cache.used(entry);
    return entry;
  }

  /**
   * Brings a state up to date by reading the tail of the store, which one read does for all that wait. Null: it is not kept up
   * to date that way, or not any more.
   */
  refresh(entry: CachedState, signal: AbortSignal | undefined): Promise<FoldedState<unknown> | null> | null {
    const { session } = entry;
    if (session === undefined || session !== this.#tail.session) return null;
    return this.#tail.read(signal).then(() => this.#refreshed(entry, session));
  }

  #refreshed(entry: CachedState, session: TailSession): FoldedState<unknown> | null {
    if (session !== this.#tail.session || !entry.isKept || !entry.isPassed) return null;
    // What was stored while the read was under way may be lost.
    if ((entry.folded.last?.position ?? 0) > session.seen) return null;
    session.spared += 1;
    return entry.folded;
  }

  /** Takes note of what a command writes. */
  writing(write: Promise<unknown>): void {
    this.#tail.writing(write);
  }

  /** Takes note of a load that begins: what it finds is put in with {@link end}. */
  begin(streamId: string): Loading {
    const session = this.#tail.begin();
    const position = session?.last.position ?? 0;
    const loading = { streamId, generation: this.#generation, session, position, passedVersion: 0 };
    const ofStream = this.#loading.get(streamId) ?? new Set();
    this.#loading.set(streamId, ofStream.add(loading));
    return loading;
  }

  /** Ends a load, with what it found, if it did. A newer state stays, and nothing comes back that was dropped meanwhile. */
  end(loading: Loading, found?: FoundState): void {
    this.#tail.end();
    const { streamId, generation, passedVersion } = loading;
    const ofStream = this.#loading.get(streamId);
    ofStream?.delete(loading);
    if (ofStream?.size === 0) this.#loading.delete(streamId);
    if (found === undefined || generation !== this.#generation) return;
    const { fold, stream, folded } = found;
    const known = this.#find({ streamId, fold });
    if (known !== undefined && known.folded.version > folded.version) return;
    if (known !== undefined) this.drop(known);
    // Of a state that misses an event which has passed, the tail would not tell the next ones.
    const session = folded.version >= passedVersion ? loading.session : undefined;
    // Where a snapshot ends is not known.
    const position = folded.last?.position ?? (folded.version === 0 ? 0 : Number.POSITIVE_INFINITY);
    const isPassed = position <= loading.position || passedVersion === folded.version;
    this.#add({ states: this, streamId, fold, stream, folded, session, isPassed, isKept: true });
  }

  /**
   * Takes note of what was written after a state, if that is still here.
   *
   * @param cached - where the state was found, if it was
   * @param stored - the events, where storage says where they are
   */
  advance(
    { streamId, fold, cached }: Pick<CachedState, "streamId" | "fold"> & { readonly cached: CachedState | undefined },
    from: FoldedState<unknown>,
    folded: FoldedState<unknown>,
    stored: readonly StoredEvent[] = [],
  ): void {
    const known = cached?.isKept === true ? cached : this.#find({ streamId, fold });
    // One of the same version may have been loaded anew, because the other is not to be kept.
    if (known?.folded === from) {
      known.folded = folded;
      known.isPassed = false;
    }
    this.#tail.follow(stored);
  }

  /** Both only grow, so that their sum changes with each. */
  get #generation(): number {
    return this.#cache.generation + this.#generationOfReads();
  }

  #dropOutdated(): void {
    const generation = this.#generationOfReads();
    if (generation === this.#seenGeneration) return;
    this.#seenGeneration = generation;
    for (const ofFolds of [...this.#entries.values()]) for (const entry of [...ofFolds.values()]) this.drop(entry);
  }

  #add(entry: CachedState): void {
    const { streamId, fold } = entry;
    const ofFolds = this.#entries.get(streamId) ?? new Map<string, CachedState>();
    this.#entries.set(streamId, ofFolds.set(fold.projection, entry));
    this.#cache.used(entry);
  }

  drop(entry: CachedState): void {
    entry.isKept = false;
    this.#cache.dropped(entry);
    const { streamId, fold } = entry;
    const ofFolds = this.#entries.get(streamId);
    if (ofFolds?.get(fold.projection) !== entry) return;
    ofFolds.delete(fold.projection);
    if (ofFolds.size === 0) this.#entries.delete(streamId);
  }

  #find({ streamId, fold }: Pick<CachedState, "streamId" | "fold">): CachedState | undefined {
    return this.#entries.get(streamId)?.get(fold.projection);
  }

  /** An event of the tail of the store. */
  #take(event: StoredEvent): void {
    const ofStream = this.#loading.get(event.streamId);
    if (ofStream !== undefined) for (const loading of ofStream) loading.passedVersion = event.version;
    const ofFolds = this.#entries.get(event.streamId);
    if (ofFolds === undefined) return;
    for (const entry of ofFolds.values()) {
      const { fold, folded, session } = entry;
      if (session !== this.#tail.session) continue;
      if (event.version <= folded.version) {
        if (event.id === folded.last?.id) entry.isPassed = true;
        continue;
      }
      try {
        if (!entry.isPassed || event.version > folded.version + 1) this.drop(entry);
        else entry.folded = { state: evolved(fold, folded.state, event), version: event.version, last: placeOf(event) };
      } catch {
        // The next load of the state fails with it.
        this.drop(entry);
      }
    }
  }
}
