import { isDeepStrictEqual } from "node:util";
import {
  type AppendRequest,
  ConcurrencyError,
  type EventPlace,
  type ExpectedVersion,
  IdempotencyConflictError,
  type NewEvent,
  type PlacedEvent,
} from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { streamDeleted } from "./stream-deleted.js";

/** The state of a stream at the moment of the decision, read inside the transaction that will store the events. */
export interface StreamState {
  /** The version of the stream's last event, 0 without one. */
  readonly version: number;
  /** Whether its last event is a tombstone. Default false. */
  readonly isDeleted?: boolean | undefined;
  /**
   * The stored event with this idempotency key. Of one that was removed only the place is known: it counts as stored, and its
   * content is not compared.
   */
  findByKey(idempotencyKey: string): PlacedEvent | EventPlace | undefined;
}

/** The effect of an append on its stream. */
export interface AppendDecision {
  /** The events to store, in order. Empty when every event is stored already. */
  readonly fresh: readonly NewEvent[];
  /** The place of the write's last event: an index into `fresh`, or its place in storage. Absent for an empty write. */
  readonly last:
    | {
        /** From 0. */
        readonly freshIndex: number;
      }
    | EventPlace
    | undefined;
}

/**
 * Decides what an append stores: the rules of optimistic concurrency and of idempotency in one place, for every
 * adapter. Call it inside the transaction that stores `fresh`.
 *
 * 1. A deleted stream takes no append, whatever it expects.
 * 2. An event whose key is already stored, or occurs earlier in the request, is not stored again.
 * 3. If every event is already stored, the append succeeds whatever version it expects: it is a retry.
 * 4. If only some are, a number as the expected version is a conflict.
 * 5. The other events are stored if the stream is at the expected version.
 *
 * @throws StreamDeletedError when the stream is deleted.
 * @throws IdempotencyConflictError when a key is already stored with another type, data or metadata, apart from its
 * `transactionId`.
 * @throws ConcurrencyError when the stream is not at the expected version.
 */
export function decideAppend(request: AppendRequest, state: StreamState, location?: string): AppendDecision {
  const { expectedVersion } = request;
  const { fresh, last, storedCount } = withoutStored(request, state, location);
  const partlyStored = storedCount > 0 && typeof expectedVersion === "number";
  if (fresh.length > 0 && (partlyStored || !isExpectedVersion(expectedVersion, state.version))) {
    throw versionConflict(request, state.version, partlyStored ? fresh.length : null, location);
  }
  return { fresh, last };
}

/**
 * Decides an `AppendUnit`, whose appends go to different streams: all or nothing, on one state of the store.
 *
 * 1. None of the streams may be deleted.
 * 2. If every event of every request is already stored, the unit succeeds: it is a retry. A unit without events is none.
 * 3. If a request has events that are stored while others of the unit are not, a number as its expected version is a
 *    conflict.
 * 4. Every request's stream has to be at its expected version, also where it has no events. One whose events are all
 *    stored is not asked.
 * 5. The conditions have to hold.
 *
 * @param checkConditions - throws `ConditionError` where one does not hold; called last, and not for a retry
 * @returns a decision for each request, in order.
 * @throws StreamDeletedError, IdempotencyConflictError, ConcurrencyError, ConditionError
 */
export function decideUnit(
  requests: readonly AppendRequest[],
  stateOf: (streamId: string) => StreamState,
  checkConditions: () => void,
  location?: string,
): readonly AppendDecision[] {
  const remaining = requests.map((request) => withoutStored(request, stateOf(request.streamId), location));
  const isEmpty = requests.every(({ events }) => events.length === 0);
  if (!isEmpty && remaining.every(({ fresh }) => fresh.length === 0)) return remaining;
  for (const [index, request] of requests.entries()) {
    const { fresh, storedCount } = remaining[index] as Remaining;
    checkVersionInUnit(request, stateOf(request.streamId).version, fresh.length, storedCount, location);
  }
  checkConditions();
  return remaining;
}

/**
 * Checks the expected version of one request of a unit that is no retry.
 *
 * @param version - the stream's version before the unit
 * @param freshCount - how many of its events are new
 * @param storedCount - how many are stored already
 * @throws ConcurrencyError
 */
export function checkVersionInUnit(
  request: AppendRequest,
  version: number,
  freshCount: number,
  storedCount: number,
  location?: string,
): void {
  const { expectedVersion, events } = request;
  const partlyStored = storedCount > 0 && typeof expectedVersion === "number";
  const isAsked = freshCount > 0 || events.length === 0;
  if (!partlyStored && (!isAsked || isExpectedVersion(expectedVersion, version))) return;
  throw versionConflict(request, version, partlyStored ? freshCount : null, location);
}

interface Remaining extends AppendDecision {
  /** How many events are stored already. */
  readonly storedCount: number;
}

function withoutStored(request: AppendRequest, state: StreamState, location?: string): Remaining {
  if (state.isDeleted) throw streamDeleted(`write to stream "${request.streamId}"`, request.streamId, location);
  const { events } = request;
  const fresh: NewEvent[] = [];
  let freshIndexByKey: Map<string, number> | undefined;
  let last: number | EventPlace | undefined;
  let storedCount = 0;
  for (let eventIndex = 0; eventIndex < events.length; eventIndex += 1) {
    const event = events[eventIndex] as NewEvent;
    const key = event.idempotencyKey;
    const stored = key === null ? undefined : state.findByKey(key);
    const earlier = key === null ? undefined : freshIndexByKey?.get(key);
    const same = contentOf(stored) ?? (earlier === undefined ? undefined : fresh[earlier]);
    const difference = same === undefined ? null : differenceOf(same, event);
    if (difference !== null) throw keyConflict(request, eventIndex, difference, location);
    if (stored !== undefined) {
      storedCount += 1;
      last = stored;
    } else if (earlier !== undefined) {
      last = earlier;
    } else {
      last = fresh.length;
      if (key !== null && events.length > 1) {
        freshIndexByKey ??= new Map();
        freshIndexByKey.set(key, last);
      }
      fresh.push(event);
    }
  }
  return { fresh, last: typeof last === "number" ? { freshIndex: last } : last, storedCount };
}

/** Of an event that was removed nothing is known but its place. */
function contentOf(stored: PlacedEvent | EventPlace | undefined): EventContent | undefined {
  return stored !== undefined && "event" in stored ? stored.event : undefined;
}

function isExpectedVersion(expected: ExpectedVersion, version: number): boolean {
  if (expected === "any") return true;
  return expected === "exists" ? version > 0 : version === expected;
}

type EventContent = Pick<NewEvent, "type" | "data" | "metadata">;

/** The first part in which two events differ; null when they are the same. */
function differenceOf(a: EventContent, b: EventContent): keyof EventContent | null {
  if (a.type !== b.type) return "type";
  if (!isSameContent(a.data, b.data)) return "data";
  return isSameMetadata(a.metadata, b.metadata) ? null : "metadata";
}

/** Each attempt of a transaction has an id of its own: it is not compared. */
function isSameMetadata(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  return isDeepStrictEqual(withoutTransactionId(a), withoutTransactionId(b));
}

function withoutTransactionId(metadata: string | null): unknown {
  const parsed: unknown = metadata === null ? null : JSON.parse(metadata);
  if (parsed === null || !Object.hasOwn(parsed as object, "transactionId")) return parsed;
  const { transactionId: _, ...rest } = parsed as { readonly transactionId: unknown };
  return Object.keys(rest).length === 0 ? null : rest;
}

/** Texts that differ may still be one value: the keys of an object have no order. */
function isSameContent(a: string | Uint8Array | null, b: string | Uint8Array | null): boolean {
  if (typeof a === "string" && typeof b === "string") {
    return a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
  }
  return a === b || (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0);
}

function keyConflict(
  request: AppendRequest,
  eventIndex: number,
  difference: keyof EventContent,
  location?: string,
): IdempotencyConflictError {
  const { streamId } = request;
  const idempotencyKey = (request.events[eventIndex] as NewEvent).id;
  const other = `${difference === "type" ? "another" : "other"} ${difference}`;
  const message =
    `Cannot write to stream "${streamId}"${inStore(location)}: idempotency key "${idempotencyKey}" of event ${eventIndex} ` +
    `belongs to an event with ${other}. Nothing was written; use a key for one event only, and leave out of the event what ` +
    "changes from one attempt to the next.";
  return new IdempotencyConflictError({ streamId, idempotencyKey, eventIndex }, message);
}

function versionConflict(
  request: AppendRequest,
  actualVersion: number,
  /** How many events are new, where the others are stored already. */
  freshOfSome: number | null,
  location?: string,
): ConcurrencyError {
  const { streamId, expectedVersion } = request;
  const reason =
    freshOfSome === null
      ? versionMismatch(expectedVersion, actualVersion)
      : `${storedPart(countDifferent(request) - freshOfSome, freshOfSome)}, and a write that expects a version stores all of its events or none. Nothing was ` +
        'written. Write the others alone, or all of them with "any".';
  const message = `Cannot write to stream "${streamId}"${inStore(location)}: ${reason}`;
  return new ConcurrencyError({ streamId, expectedVersion, actualVersion }, message);
}

/** How many events a request has, those with one key counted once. */
export function countDifferent({ events }: AppendRequest): number {
  const keys = new Set<string>();
  let count = 0;
  for (const { idempotencyKey } of events) {
    if (idempotencyKey === null) count += 1;
    else keys.add(idempotencyKey);
  }
  return count + keys.size;
}

/** Where the stream has all of its own events, those that are missing are another stream's. */
function storedPart(storedCount: number, freshCount: number): string {
  const count = storedCount + freshCount;
  if (freshCount > 0) {
    const stored = storedCount === 1 ? "is already stored under its key" : "are already stored under their keys";
    return `only ${storedCount} of its ${count} events ${stored}`;
  }
  const stored = count === 1 ? "its event is already stored under its key" : `its ${count} events are already stored`;
  return `${stored}, while events of the same write to another stream are not`;
}

function versionMismatch(expectedVersion: ExpectedVersion, actualVersion: number): string {
  const expected = expectedVersion === "exists" ? "an event" : `version ${expectedVersion}`;
  const found = `expected ${expected}, found version ${actualVersion}. Nothing was written`;
  // No other writer makes a stream shorter.
  if (typeof expectedVersion === "number" && expectedVersion > actualVersion)
    return `${found}. Was a position given? A write expects a version. Otherwise read the stream, and decide again.`;
  return `${found}; read what is new and decide again.`;
}
