import type { StreamFactory } from "../../protocols/index.js";
import { DEFAULT_CACHED_STATES, MAX_CACHED_STATES } from "../limits.js";
import { checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { ParsedFold } from "./fold.js";
import type { FoldedState } from "./folded-state.js";

/**
 * Keeps states of this process, so that a load reads only what is new in the stream. It does read that every time, so a
 * state is never stale. The states that were used least recently go first.
 *
 * One cache may serve several folds and several stores.
 */
export interface StateCache {
  /** Forgets the states of one stream, or all. */
  clear(streamId?: string): void;
}

/** The options of {@link stateCache}. */
export interface StateCacheOptions {
  /** How many states it keeps, from 1 to `MAX_CACHED_STATES`. Default 1,000. */
  readonly maxEntries?: number | undefined;
}

const OPTIONS: OptionNames<StateCacheOptions> = { maxEntries: true };

/**
 * Makes an empty cache of states.
 *
 * @throws InvalidArgumentError when an option is unknown or invalid.
 *
 * @example
 * ```ts
 * const cache = stateCache();
 * await handle(streams, account, "account-1", withdraw, { cache });
 * ```
 */
export function stateCache(options: StateCacheOptions = {}): StateCache {
  checkOptions(options, OPTIONS);
  const { maxEntries = DEFAULT_CACHED_STATES } = options;
  if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > MAX_CACHED_STATES) {
    const expected = `expected a whole number from 1 to ${MAX_CACHED_STATES}`;
    throw invalidArgument("maxEntries", `${expected}, got ${describeValue(maxEntries)}`);
  }
  return new StateCacheImpl(maxEntries);
}

/** Which state is meant. */
export interface StateKey {
  readonly streams: StreamFactory;
  readonly streamId: string;
  readonly fold: Pick<ParsedFold, "projection">;
}

interface Entry {
  readonly streamId: string;
  readonly folded: FoldedState<unknown>;
}

/** What a {@link StateCache} is: an application only clears it. */
export class StateCacheImpl implements StateCache {
  readonly #maxEntries: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  /** Stores by their number, so that a store which is gone is not kept. */
  readonly #stores = new WeakMap<StreamFactory, number>();
  #nextStore = 0;
  #generation = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Grows when states are cleared: what was loaded before is not put in afterwards. */
  get generation(): number {
    return this.#generation;
  }

  clear(streamId?: string): void {
    this.#generation += 1;
    for (const [key, entry] of this.#entries) {
      if (streamId === undefined || entry.streamId === streamId) this.#entries.delete(key);
    }
  }

  get(key: StateKey): FoldedState<unknown> | undefined {
    const text = this.#textOf(key);
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    this.#entries.delete(text);
    this.#entries.set(text, entry);
    return entry.folded;
  }

  /** Puts a state in, unless a newer one is there, or the cache was cleared since. */
  put(key: StateKey, folded: FoldedState<unknown>, generation: number): void {
    if (generation !== this.#generation) return;
    const text = this.#textOf(key);
    const known = this.#entries.get(text);
    if (known !== undefined && known.folded.version > folded.version) return;
    this.#entries.delete(text);
    this.#entries.set(text, { streamId: key.streamId, folded });
    if (this.#entries.size <= this.#maxEntries) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as string);
  }

  drop(key: StateKey): void {
    this.#entries.delete(this.#textOf(key));
  }

  // The length keeps names and ids apart that have spaces.
  #textOf({ streams, fold: { projection }, streamId }: StateKey): string {
    let store = this.#stores.get(streams);
    if (store === undefined) {
      store = this.#nextStore++;
      this.#stores.set(streams, store);
    }
    return `${store} ${projection.length} ${projection} ${streamId}`;
  }
}

/** @throws InvalidArgumentError when it is not made by {@link stateCache} */
export function checkCache(cache: unknown): StateCacheImpl | undefined {
  if (cache === undefined || cache instanceof StateCacheImpl) return cache;
  throw invalidArgument("cache", `expected what stateCache() returns, got ${describeValue(cache)}`);
}
