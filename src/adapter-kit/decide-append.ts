import { isDeepStrictEqual } from "node:util";
import {
  type AppendRequest,
  ConcurrencyError,
  type ExpectedVersion,
  IdempotencyConflictError,
  type NewEvent,
} from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import type { PlacedEvent } from "./placed-event.js";

/** The state of a stream at the moment of the decision, read inside the transaction that will store the events. */
export interface StreamState {
  /** The version of the stream's last event, 0 without one. */
  readonly version: number;
  /** The stored event with this idempotency key. */
  findByKey(idempotencyKey: string): PlacedEvent | undefined;
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
    | PlacedEvent
    | undefined;
}

/**
 * Decides what an append stores: the rules of optimistic concurrency and of idempotency in one place, for every
 * adapter. Call it inside the transaction that stores `fresh`.
 *
 * 1. An event whose key is already stored, or occurs earlier in the request, is not stored again.
 * 2. If every event is already stored, the append succeeds whatever version it expects: it is a retry.
 * 3. If only some are, a number as the expected version is a conflict.
 * 4. The other events are stored if the stream is at the expected version.
 *
 * @throws IdempotencyConflictError when a key is already stored with another type, data or metadata.
 * @throws ConcurrencyError when the stream is not at the expected version.
 */
export function decideAppend(request: AppendRequest, state: StreamState, location?: string): AppendDecision {
  const { expectedVersion } = request;
  const { fresh, last, storedCount } = withoutStored(request, state, location);
  const partlyStored = storedCount > 0 && typeof expectedVersion === "number";
  if (fresh.length > 0 && (partlyStored || !isExpectedVersion(expectedVersion, state.version))) {
    throw versionConflict(request, state.version, partlyStored ? storedCount : 0, location);
  }
  return { fresh, last };
}

interface Remaining extends AppendDecision {
  /** How many events are stored already. */
  readonly storedCount: number;
}

function withoutStored(request: AppendRequest, state: StreamState, location?: string): Remaining {
  const { events } = request;
  const fresh: NewEvent[] = [];
  let freshIndexByKey: Map<string, number> | undefined;
  let last: number | PlacedEvent | undefined;
  let storedCount = 0;
  for (let eventIndex = 0; eventIndex < events.length; eventIndex += 1) {
    const event = events[eventIndex] as NewEvent;
    const key = event.idempotencyKey;
    const stored = key === null ? undefined : state.findByKey(key);
    const earlier = key === null ? undefined : freshIndexByKey?.get(key);
    const same = stored?.event ?? (earlier === undefined ? undefined : fresh[earlier]);
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

function isExpectedVersion(expected: ExpectedVersion, version: number): boolean {
  if (expected === "any") return true;
  return expected === "exists" ? version > 0 : version === expected;
}

type EventContent = Pick<NewEvent, "type" | "data" | "metadata">;

/** The first part in which two events differ; null when they are the same. */
function differenceOf(a: EventContent, b: EventContent): keyof EventContent | null {
  if (a.type !== b.type) return "type";
  if (!isSameContent(a.data, b.data)) return "data";
  return isSameContent(a.metadata, b.metadata) ? null : "metadata";
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
  const message =
    `Cannot write to stream "${streamId}"${inStore(location)}: idempotency key "${idempotencyKey}" of event ${eventIndex} ` +
    `belongs to an event with another ${difference}. Nothing was written; use a key for one event only, and leave out of ` +
    "the event what changes from one attempt to the next.";
  return new IdempotencyConflictError({ streamId, idempotencyKey, eventIndex }, message);
}

function versionConflict(
  request: AppendRequest,
  actualVersion: number,
  storedCount: number,
  location?: string,
): ConcurrencyError {
  const { streamId, expectedVersion, events } = request;
  const reason =
    storedCount > 0
      ? `${storedCount} of its ${events.length} events are already stored under their keys, and a write that expects a ` +
        'version stores all of its events or none. Nothing was written. Write the others alone, or all of them with "any".'
      : versionMismatch(expectedVersion, actualVersion);
  const message = `Cannot write to stream "${streamId}"${inStore(location)}: ${reason}`;
  return new ConcurrencyError({ streamId, expectedVersion, actualVersion }, message);
}

function versionMismatch(expectedVersion: ExpectedVersion, actualVersion: number): string {
  const expected = expectedVersion === "exists" ? "an event" : `version ${expectedVersion}`;
  const found = `expected ${expected}, found version ${actualVersion}. Nothing was written`;
  // No other writer makes a stream shorter.
  if (typeof expectedVersion === "number" && expectedVersion > actualVersion)
    return `${found}. Was a position given? A write expects a version. Otherwise read the stream, and decide again.`;
  return `${found}; read what is new and decide again.`;
}
