import type { Awaitable } from "../view/event-hooks.js";
import type { Clock } from "./clock.js";
import { KEY_BYTES, type KeyStore } from "./key-store.js";
import { keyStoreFailed, unusableKey } from "./key-store-failed.js";
import { SealingKey } from "./sealing-key.js";
import { hiddenSubject } from "./subject-names.js";

/** What is known of a person's key. Null: there is none. */
export type KeyState = SealingKey | "forgotten" | null;

/** What the key store has said of a person. */
interface KeyAnswer {
  readonly state: KeyState;
  /** When the lookup began that it comes from. */
  readonly sinceMs: number;
}

interface CachedKey extends KeyAnswer {
  readonly state: SealingKey | "forgotten";
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

/** How often the keys of a call are looked up while others of them are waited for. */
const LOOKUP_ROUNDS = 3;

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
  #forgotten = 0;

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
   * @param nowMs - {@link KeyCache.nowMs}, once for all keys that are used together: asking for it takes longer than finding a key
   */
  peek(subject: string, name: string, nowMs = this.nowMs()): SealingKey | "forgotten" | undefined {
    return this.#find(subject, name, nowMs)?.state;
  }

  /** The time by which keys are too old. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /**
   * Asks the key store, or waits for an answer that is on its way.
   *
   * @param name - the person's name in events
   * @throws StorageError when the key store fails, or takes longer than a key may be used
   */
  async lookUp(subject: string, name: string, create: boolean): Promise<KeyState> {
    return (await this.#answer(subject, name, create)).state;
  }

  /**
   * The keys of several persons, at once if all are in memory.
   *
   * @param wanted - the names of persons in events, by person
   * @throws StorageError when the key store fails, or takes longer than a key may be used
   */
  all(wanted: ReadonlyMap<string, string>, create: boolean): Awaitable<ReadonlyMap<string, KeyState>> {
    const found = new Map<string, KeyState>();
    const nowMs = this.nowMs();
    for (const [subject, name] of wanted) {
      const state = this.peek(subject, name, nowMs);
      if (state !== undefined) found.set(subject, state);
    }
    return found.size === wanted.size ? found : this.#lookUpAll(wanted, create);
  }

  /** How often this process has learnt that somebody is forgotten whose key it had. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** This process has forgotten a person. */
  forget(subject: string): void {
    this.#forgotten += 1;
    for (const lookup of this.#lookups.get(subject) ?? []) lookup.isForgotten = true;
    this.#add(subject, { state: "forgotten", sinceMs: this.nowMs(), name: undefined });
  }

  /** Somebody has forgotten the person who has this name in events: the key is to be asked for again. */
  drop(name: string): void {
    for (const lookups of this.#lookups.values()) for (const lookup of lookups) lookup.isLate = true;
    for (const subject of [this.#subjects.get(name), hiddenSubject(name)]) {
      const cached = subject === undefined ? undefined : this.#cached.get(subject);
      if (subject === undefined || cached === undefined) continue;
      this.#delete(subject, cached);
      if (cached.state !== "forgotten") this.#forgotten += 1;
    }
  }

  /** Waits for all keys. Those that became too old while others were waited for are looked up again. */
  async #lookUpAll(wanted: ReadonlyMap<string, string>, create: boolean): Promise<ReadonlyMap<string, KeyState>> {
    const answers = new Map<string, KeyAnswer>();
    const isMissing = ([subject]: [string, string]): boolean => {
      const answer = answers.get(subject);
      return answer === undefined || this.#isTooLate(answer);
    };
    for (let round = 0; round < LOOKUP_ROUNDS; round += 1) {
      const lookups = [...wanted].filter(isMissing).map(async ([subject, name]) => {
        answers.set(subject, this.#find(subject, name, this.nowMs()) ?? (await this.#answer(subject, name, create)));
      });
      if (lookups.length === 0) break;
      await Promise.all(lookups);
    }
    if ([...wanted].some(isMissing)) throw tookTooLong();
    return new Map([...answers].map(([subject, { state }]) => [subject, state]));
  }

  async #answer(subject: string, name: string, create: boolean): Promise<KeyAnswer> {
    const underWay = this.#lookups.get(subject)?.at(-1);
    const isShared = underWay !== undefined && !this.#isOld(underWay);
    const lookup = isShared ? underWay : this.#begin(subject, name, create);
    const { sinceMs } = lookup;
    const state = await lookup.state;
    if (lookup.isForgotten) return { state: "forgotten", sinceMs };
    if (state === null && create && !lookup.create) return this.#answer(subject, name, create);
    if (this.#isTooLate({ state, sinceMs })) throw tookTooLong();
    return { state, sinceMs };
  }

  #find(subject: string, name: string, nowMs: number): CachedKey | undefined {
    const cached = this.#cached.get(subject);
    if (cached === undefined) return undefined;
    if (this.#isOld(cached, nowMs)) {
      this.#delete(subject, cached);
      return undefined;
    }
    this.#touch(subject, cached);
    this.#named(subject, cached, name);
    return cached;
  }

  #isOld({ sinceMs }: { readonly sinceMs: number }, nowMs = this.nowMs()): boolean {
    return nowMs - sinceMs >= this.#ttlMs;
  }

  /** Whether it is a key whose person may be forgotten by now. Without a time, the call that asked for it may use it. */
  #isTooLate(answer: KeyAnswer): boolean {
    return this.#ttlMs > 0 && answer.state instanceof SealingKey && this.#isOld(answer);
  }

  #begin(subject: string, name: string, create: boolean): Lookup {
    const sinceMs = this.nowMs();
    const state = askKey(this.#keys, subject, create);
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

/** @throws StorageError when the key store fails, or gives something that is no key */
export async function askKey(keys: KeyStore, subject: string, create: boolean): Promise<KeyState> {
  try {
    const key = await keys.get(subject, create);
    if (key === null || key === "forgotten") return key;
    if (key instanceof Uint8Array && key.byteLength === KEY_BYTES) return new SealingKey(key);
  } catch (error) {
    throw keyStoreFailed("read a key", error);
  }
  throw unusableKey("read a key", `it gave something that is no key of ${KEY_BYTES} bytes`);
}

function tookTooLong(): unknown {
  return keyStoreFailed("read a key", new Error("its answer took longer than keyTtlMs"));
}
