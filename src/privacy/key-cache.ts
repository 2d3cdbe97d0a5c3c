import type { Awaitable } from "../view/event-hooks.js";
import type { Clock } from "./clock.js";
import { KEY_BYTES, type KeyStore } from "./key-store.js";
import { keyStoreFailed } from "./key-store-failed.js";
import { SealingKey } from "./sealing-key.js";
import { hiddenSubject } from "./subject-names.js";

/** What is known of a person's key. Null: there is none. */
export type KeyState = SealingKey | "forgotten" | null;

interface CachedKey {
  readonly state: SealingKey | "forgotten";
  /** When the lookup began that it comes from. */
  readonly sinceMs: number;
  /** The hashed name that the person has in events, once it is known. */
  name: string | undefined;
}

interface Lookup {
  readonly state: Promise<KeyState>;
  readonly sinceMs: number;
  /** Whether it makes a key if there is none. */
  readonly create: boolean;
  /** Whether its answer may be from before a person was forgotten. */
  isLate: boolean;
  /** Whether the person that it is about was forgotten in this process meanwhile. */
  isForgotten: boolean;
}

/**
 * The keys of persons in memory: at most `maxCachedKeys`, and each for `keyTtlMs` since it was asked for. A key is asked for
 * once, however many calls need it at the same time.
 */
export class KeyCache {
  readonly #keys: KeyStore;
  readonly #maxKeys: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  /** By person. The one that was not used for longest is first. */
  readonly #cached = new Map<string, CachedKey>();
  /** The persons by their names in events, without those whom the key store knows by the name. */
  readonly #subjects = new Map<string, string>();
  /** By person, the newest last. */
  readonly #lookups = new Map<string, readonly Lookup[]>();

  constructor(keys: KeyStore, options: { readonly maxCachedKeys: number; readonly keyTtlMs: number }, clock: Clock) {
    this.#keys = keys;
    this.#maxKeys = options.maxCachedKeys;
    this.#ttlMs = options.keyTtlMs;
    this.#clock = clock;
  }

  /**
   * The key if it is in memory. Undefined: it has to be looked up.
   *
   * @param name - the person's name in events
   */
  peek(subject: string, name: string): SealingKey | "forgotten" | undefined {
    const cached = this.#cached.get(subject);
    if (cached === undefined) return undefined;
    if (this.#isOld(cached)) {
      this.#delete(subject, cached);
      return undefined;
    }
    this.#touch(subject, cached);
    this.#named(subject, cached, name);
    return cached.state;
  }

  /**
   * Asks the key store, or waits for an answer that is on its way.
   *
   * @param name - the person's name in events
   * @throws StorageError when the key store fails
   */
  async lookUp(subject: string, name: string, create: boolean): Promise<KeyState> {
    const underWay = this.#lookups.get(subject)?.at(-1);
    const isShared = underWay !== undefined && !this.#isOld(underWay);
    const lookup = isShared ? underWay : this.#begin(subject, name, create);
    const state = await lookup.state;
    if (lookup.isForgotten) return "forgotten";
    return state === null && create && !lookup.create ? this.lookUp(subject, name, create) : state;
  }

  /**
   * The keys of several persons, at once if all are in memory.
   *
   * @param wanted - the names of persons in events, by person
   */
  all(wanted: ReadonlyMap<string, string>, create: boolean): Awaitable<ReadonlyMap<string, KeyState>> {
    const found = new Map<string, KeyState>();
    const lookups: Promise<unknown>[] = [];
    for (const [subject, name] of wanted) {
      const state = this.peek(subject, name);
      if (state !== undefined) found.set(subject, state);
      else lookups.push(this.lookUp(subject, name, create).then((answer) => found.set(subject, answer)));
    }
    return lookups.length === 0 ? found : Promise.all(lookups).then(() => found);
  }

  /** This process has forgotten a person. */
  forget(subject: string): void {
    for (const lookup of this.#lookups.get(subject) ?? []) lookup.isForgotten = true;
    this.#add(subject, { state: "forgotten", sinceMs: this.#clock.nowMs(), name: undefined });
  }

  /** Somebody has forgotten the person who has this name in events: the key is to be asked for again. */
  drop(name: string): void {
    for (const lookups of this.#lookups.values()) for (const lookup of lookups) lookup.isLate = true;
    for (const subject of [this.#subjects.get(name), hiddenSubject(name)]) {
      const cached = subject === undefined ? undefined : this.#cached.get(subject);
      if (subject !== undefined && cached !== undefined) this.#delete(subject, cached);
    }
  }

  #isOld({ sinceMs }: { readonly sinceMs: number }): boolean {
    return this.#clock.nowMs() - sinceMs >= this.#ttlMs;
  }

  #begin(subject: string, name: string, create: boolean): Lookup {
    const sinceMs = this.#clock.nowMs();
    const state = this.#ask(subject, create);
    const lookup: Lookup = { state, sinceMs, create, isLate: false, isForgotten: false };
    this.#lookups.set(subject, [...(this.#lookups.get(subject) ?? []), lookup]);
    const settle = (): void => {
      const others = this.#lookups.get(subject)?.filter((other) => other !== lookup) ?? [];
      if (others.length === 0) this.#lookups.delete(subject);
      else this.#lookups.set(subject, others);
    };
    state.then((found) => {
      settle();
      if (found !== null && !lookup.isLate && !lookup.isForgotten) {
        this.#add(subject, { state: found, sinceMs, name });
      }
    }, settle);
    return lookup;
  }

  async #ask(subject: string, create: boolean): Promise<KeyState> {
    try {
      const key = await this.#keys.get(subject, create);
      if (key === null || key === "forgotten") return key;
      if (key instanceof Uint8Array && key.byteLength === KEY_BYTES) return new SealingKey(key);
    } catch (error) {
      throw keyStoreFailed("read a key", error);
    }
    throw keyStoreFailed("read a key", new Error(`it gave something that is no key of ${KEY_BYTES} bytes`));
  }

  #add(subject: string, cached: CachedKey): void {
    if (this.#ttlMs === 0) return;
    const earlier = this.#cached.get(subject);
    if (earlier !== undefined) this.#delete(subject, earlier);
    this.#cached.set(subject, cached);
    this.#addName(subject, cached);
    if (this.#cached.size <= this.#maxKeys) return;
    const [oldest] = this.#cached as Iterable<[string, CachedKey]>;
    if (oldest !== undefined) this.#delete(...oldest);
  }

  #delete(subject: string, cached: CachedKey): void {
    this.#cached.delete(subject);
    this.#deleteName(subject, cached);
  }

  /** Only the order in which keys make room depends on it, so that it costs nothing while there is much room. */
  #touch(subject: string, cached: CachedKey): void {
    if (this.#cached.size <= this.#maxKeys / 2) return;
    this.#cached.delete(subject);
    this.#cached.set(subject, cached);
  }

  #named(subject: string, cached: CachedKey, name: string): void {
    if (cached.name === name) return;
    this.#deleteName(subject, cached);
    cached.name = name;
    this.#addName(subject, cached);
  }

  #addName(subject: string, { name }: CachedKey): void {
    if (name !== undefined && subject !== hiddenSubject(name)) this.#subjects.set(name, subject);
  }

  #deleteName(subject: string, { name }: CachedKey): void {
    if (name !== undefined && this.#subjects.get(name) === subject) this.#subjects.delete(name);
  }
}
