import { ALL_STREAM, type StreamFactory } from "../../protocols/index.js";
import type { EventTypes } from "../events/event-catalogue.js";
import { DEFAULT_CACHED_KEYS, DEFAULT_KEY_TTL_MS } from "../limits.js";
import { streamContextOf } from "../stream/context-access.js";
import {
  checkFunction,
  checkOptions,
  checkStreamId,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import type { EventHooks } from "../view/event-hooks.js";
import { viewOf } from "../view/store-view.js";
import { checkSealedFilter } from "./check-sealed-filter.js";
import { type Clock, SYSTEM_CLOCK } from "./clock.js";
import { type ForgetContext, forget } from "./forget.js";
import { reportForgotten } from "./forget-report.js";
import type { ForgetReport, Forgotten } from "./forgotten.js";
import { heldPeriod, usableForMs } from "./held-period.js";
import { KeyCache } from "./key-cache.js";
import type { KeyStore } from "./key-store.js";
import { openEvents } from "./open-events.js";
import { PersonalCatalogue } from "./personal-catalogue.js";
import { sealEvents } from "./seal-events.js";
import { SealedSnapshots, type SnapshotSubject } from "./sealed-snapshots.js";
import { SubjectNames } from "./subject-names.js";

/** The options of {@link protectPersonalData}. */
export interface PrivacyOptions {
  /** How many keys are in memory at most. 1 or more, default 10,000. */
  readonly maxCachedKeys?: number | undefined;
  /**
   * How long a process may deliver open fields with a key that it has looked up, in milliseconds, and so how long `forget` takes.
   * It looks keys up again some time before. With 0, they are looked up for every call. Use the same value in all processes. 0
   * or more, default 60,000.
   */
  readonly keyTtlMs?: number | undefined;
  /** The stream that gets the `SubjectForgotten` events. Default `"personal-data"`. */
  readonly auditStream?: string | undefined;
  /**
   * Names the person whose key seals the snapshots of a fold; null: nobody's. A snapshot is refused if its stream has personal
   * data of anybody else. Default: nobody's.
   *
   * @param fold - the fold's name, or the snapshot's `projection`
   */
  readonly snapshotSubject?: ((streamId: string, fold: string) => string | null) | undefined;
}

/** What a store with sealed fields has besides. */
export interface PersonalData {
  /**
   * Destroys the key of a person, then writes `SubjectForgotten` to the audit stream. It resolves once no process can hold the
   * key any more, after `keyTtlMs`. From then on nobody can open the person's fields: not in events, snapshots or parked
   * events, and not in archives or backups of the event store. If `keyTtlMs` is 0, a call that waits for its answer meanwhile may
   * still get the fields open, and so may another process what it has read ahead. It is final. If it fails, call it again; that
   * is harmless at any time.
   *
   * @param subject - the person's id, as events have it
   * @returns the position of the event, which is the same one each time
   * @throws StorageError when the store or the key store fails.
   */
  forget(subject: string): Promise<Forgotten>;
  /**
   * Proves that a person is forgotten. It reads the whole store, counts what was sealed for the person, and tries to open it.
   *
   * @throws StorageError when the store or the key store fails.
   */
  forgetReport(subject: string): Promise<ForgetReport>;
}

const OPTIONS: OptionNames<PrivacyOptions> = {
  maxCachedKeys: true,
  keyTtlMs: true,
  auditStream: true,
  snapshotSubject: true,
};

/**
 * The same store with personal fields sealed, each under a key of its person (AES-256-GCM). The store below, its backups and
 * its archives have what is sealed. Readers of this one have the fields open, and null once the person is forgotten.
 *
 * It belongs below `typed`, and above every other use of the store. Disposing of it disposes of the store, and leaves the key
 * store open.
 *
 * A write fails with `InvalidEventError` if an event does not have the id of the person or has a `metadata.schemaVersion` that
 * the catalogue does not know, with `SUBJECT_FORGOTTEN` if that person is forgotten, and with a `StorageError` if the key store
 * fails. Reading fails with `STORAGE_CORRUPT` at a value that
 * does not open although its person is not forgotten, and with the error of the key store where a key cannot be had.
 *
 * @param types - the catalogue that `typed` has; `personal` says in it which fields are sealed
 * @throws InvalidArgumentError when an argument is invalid.
 *
 * @example
 * ```ts
 * const types = {
 *   Registered: event<{ customerId: string; email: string | null }>().personal("data.customerId", ["email"]),
 * };
 * const protectedStore = protectPersonalData(store, types, keys);
 * const customers = typed(protectedStore, types);
 * await protectedStore.forget("customer-17");
 * ```
 */
export function protectPersonalData<F extends StreamFactory>(
  streams: F,
  types: EventTypes,
  keys: KeyStore,
  options?: PrivacyOptions,
): F & PersonalData {
  return protectWithClock(streams, types, keys, options, SYSTEM_CLOCK);
}

/** The same, with the time of a test. */
export function protectWithClock<F extends StreamFactory>(
  streams: F,
  types: EventTypes,
  keys: KeyStore,
  options: PrivacyOptions | undefined,
  clock: Clock,
): F & PersonalData {
  return inAttempt("protect personal data", undefined, () => {
    const settings = parsePrivacyOptions(options);
    checkKeyStore(keys);
    const { storage, hooks } = streamContextOf(streams);
    checkUnprotected(streams);
    checkUntyped(hooks);
    const context: ForgetContext = {
      catalogue: new PersonalCatalogue(types),
      cache: new KeyCache(keys, { ...settings, keyTtlMs: usableForMs(settings.keyTtlMs) }, clock),
      names: new SubjectNames(keys),
      location: storage.location,
      streams,
      keys,
      clock,
      ...settings,
    };
    const snapshots = new SealedSnapshots(context, storage, settings.snapshotSubject);
    const view = viewOf(streams, {
      beforeAppend: (streamId, events) => sealEvents(context, streamId, events),
      afterRead: (events) => openEvents(context, events),
      generation: () => context.cache.forgotten,
      heldGeneration: () => context.cache.forgotten + heldPeriod(settings.keyTtlMs, clock.nowMs()),
      checkFilter: (clauses) => checkSealedFilter(context.catalogue, clauses),
      beforeSaveSnapshot: (snapshot) => snapshots.seal(snapshot),
      afterLoadSnapshot: (snapshot) => snapshots.open(snapshot),
    });
    return Object.assign(view, {
      forget: (subject: string) => forget(context, subject),
      forgetReport: (subject: string) => reportForgotten(context, subject),
    });
  });
}

interface PrivacySettings {
  readonly maxCachedKeys: number;
  readonly keyTtlMs: number;
  readonly auditStream: string;
  readonly snapshotSubject: SnapshotSubject | undefined;
}

function parsePrivacyOptions(options: PrivacyOptions = {}): PrivacySettings {
  checkOptions(options, OPTIONS);
  const { maxCachedKeys = DEFAULT_CACHED_KEYS, keyTtlMs = DEFAULT_KEY_TTL_MS, snapshotSubject } = options;
  const { auditStream = "personal-data" } = options;
  checkWhole("maxCachedKeys", maxCachedKeys, 1);
  checkWhole("keyTtlMs", keyTtlMs, 0);
  checkStreamId(auditStream);
  // Otherwise `forget` would destroy keys and then fail.
  if (auditStream === ALL_STREAM) throw invalidArgument("auditStream", `"${ALL_STREAM}" is no stream to write to`);
  checkFunction("snapshotSubject", snapshotSubject);
  return { maxCachedKeys, keyTtlMs, auditStream, snapshotSubject };
}

function checkWhole(name: keyof PrivacyOptions, value: unknown, minimum: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= MAX_INTEGER) return;
  throw invalidArgument(name, `expected a whole number from ${minimum} to ${MAX_INTEGER}, got ${describeValue(value)}`);
}

/** As long as a timer of Node's waits at most. */
const MAX_INTEGER = 2 ** 31 - 1;

/** A person would have keys in both, and `forget` would destroy one of them. */
function checkUnprotected(streams: object): void {
  if (!("forget" in streams)) return;
  throw invalidArgument("streams", "its personal data is protected already; have all types in one catalogue");
}

/** Its upcasts would get what is sealed. */
function checkUntyped(hooks: EventHooks | undefined): void {
  if (hooks?.beforeEncode === undefined) return;
  const reason =
    "it has a catalogue of event types already; pass the store to protectPersonalData, and what that returns to typed";
  throw invalidArgument("streams", reason);
}

function checkKeyStore(keys: unknown): void {
  const { get, destroy } = (keys ?? {}) as Partial<KeyStore>;
  if (typeof get === "function" && typeof destroy === "function") return;
  throw invalidArgument("keys", `expected a key store, got ${describeValue(keys)}`);
}
