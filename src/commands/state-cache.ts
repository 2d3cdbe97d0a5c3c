import type { StreamFactory } from "../../protocols/index.js";
import { DEFAULT_CACHED_STATES, MAX_CACHED_STATES } from "../limits.js";
import { checkBetween, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { type CachedState, type CacheUse, StoreStates } from "./store-states.js";

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
  checkBetween("maxEntries", maxEntries, 1, MAX_CACHED_STATES);
  return new StateCacheImpl(maxEntries);
}

/** What a {@link StateCache} is: an application only clears it. */
export class StateCacheImpl implements StateCache, CacheUse {
  readonly #maxEntries: number;
  /** The states of all stores, in the order of their last use. */
  readonly #recent = new Set<CachedState>();
  readonly #stores = new WeakMap<StreamFactory, StoreStates>();
  #generation = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** The states of one store. */
  of(streams: StreamFactory): StoreStates {
    const known = this.#stores.get(streams);
    if (known !== undefined) return known;
    const states = new StoreStates(streams, this);
    this.#stores.set(streams, states);
    return states;
  }

  clear(streamId?: string): void {
    this.#generation += 1;
    for (const entry of [...this.#recent]) {
      if (streamId === undefined || entry.streamId === streamId) entry.states.drop(entry);
    }
  }

  get generation(): number {
    return this.#generation;
  }

  used(entry: CachedState): void {
    this.#recent.delete(entry);
    this.#recent.add(entry);
    if (this.#recent.size <= this.#maxEntries) return;
    const oldest = this.#recent.values().next().value;
    oldest?.states.drop(oldest);
  }

  dropped(entry: CachedState): void {
    this.#recent.delete(entry);
  }
}

/** @throws InvalidArgumentError when it is not made by {@link stateCache} */
export function checkCache(cache: unknown): StateCacheImpl | undefined {
  if (cache === undefined || cache instanceof StateCacheImpl) return cache;
  throw invalidArgument("cache", `expected what stateCache() returns, got ${describeValue(cache)}`);
}
