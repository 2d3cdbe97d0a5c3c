import { isUint8Array } from "node:util/types";
import { type CandidateEvent, InvalidArgumentError, InvalidEventError, type NewEvent } from "../../protocols/index.js";
import { MAX_EVENT_BYTES, MAX_KEY_LENGTH, MAX_TYPE_LENGTH, MAX_WRITE_EVENTS } from "../limits.js";
import { inStore } from "../validate/in-call.js";
import { describeValue, isPlainObject, JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";
import { thrownValue } from "../validate/thrown-value.js";
import { findUnknownField } from "./event-fields.js";
import { uuidV7 } from "./uuid-v7.js";

/** Replaces an event to write before it is checked. It may be anything. */
export type PrepareCandidate = (candidate: unknown, place: EventPlace) => unknown;

/** What else is known of the events of a write. */
export interface EncodeOptions {
  /** Called with each event, in order. */
  readonly prepare?: PrepareCandidate | undefined;
  /** The transaction that they are written in: in the metadata of each, unless that names one already. */
  readonly transactionId?: string | undefined;
}

/**
 * Checks the events of one write and turns them into text, as they are at this moment.
 *
 * @throws InvalidEventError which names the event's index, and the path to the value that is at fault.
 *
 * @example
 * ```ts
 * const [event] = encodeEvents("account-42", [{ type: "Deposited", data: { amount: 100 } }]);
 * ```
 */
export function encodeEvents(
  streamId: string,
  candidates: readonly CandidateEvent[],
  location?: string,
  { prepare, transactionId }: EncodeOptions = {},
): NewEvent[] {
  const nowMs = Date.now();
  if (candidates.length > MAX_WRITE_EVENTS) {
    const reason = `${candidates.length} events are more than one write may hold (${MAX_WRITE_EVENTS}); split it`;
    throw invalidEvent({ streamId, location, eventIndex: MAX_WRITE_EVENTS }, "", reason);
  }
  const events: NewEvent[] = new Array(candidates.length);
  for (let eventIndex = 0; eventIndex < candidates.length; eventIndex += 1) {
    const place = { streamId, location, eventIndex };
    try {
      const candidate = prepare === undefined ? candidates[eventIndex] : prepare(candidates[eventIndex], place);
      events[eventIndex] = encodeEvent(candidate, place, nowMs, transactionId);
    } catch (thrown) {
      const error = thrownValue(thrown);
      if (error instanceof InvalidEventError || error instanceof InvalidArgumentError) throw error;
      // A getter or a proxy of the caller's.
      throw invalidEvent(place, "", "reading it failed", error);
    }
  }
  return events;
}

/** Which event of which write. */
export interface EventPlace {
  readonly streamId: string;
  readonly location: string | undefined;
  readonly eventIndex: number;
}

function encodeEvent(
  candidate: unknown,
  place: EventPlace,
  nowMs: number,
  transactionId: string | undefined,
): NewEvent {
  if (typeof candidate !== "object" || candidate === null || Array.isArray(candidate)) {
    throw invalidEvent(place, "", `expected an object with "type" and "data", got ${describeValue(candidate)}`);
  }
  const unknown = findUnknownField(candidate);
  if (unknown !== undefined) throw invalidEvent(place, unknown.field, unknown.reason);
  const { type, data, metadata, idempotencyKey } = candidate as Partial<CandidateEvent>;
  const key = idempotencyKey === undefined ? null : checkText(place, "idempotencyKey", idempotencyKey, MAX_KEY_LENGTH);
  return {
    id: key ?? uuidV7(nowMs),
    idempotencyKey: key,
    type: checkType(place, type),
    data: isUint8Array(data) ? encodeBytes(place, data) : encodeData(place, data),
    metadata: encodeMetadata(place, metadata, transactionId),
  };
}

function checkType(place: EventPlace, type: unknown): string {
  const text = checkText(place, "type", type, MAX_TYPE_LENGTH);
  if (!text.startsWith("@")) return text;
  throw invalidEvent(place, "type", `types that begin with "@" are reserved, got ${describeValue(text)}`);
}

function checkText(place: EventPlace, path: string, text: unknown, longest: number): string {
  if (typeof text !== "string" || text === "") {
    throw invalidEvent(place, path, `expected a non-empty string, got ${describeValue(text)}`);
  }
  if (text.length > longest) {
    throw invalidEvent(place, path, `it has ${text.length} characters, and the maximum is ${longest}`);
  }
  if (!text.isWellFormed()) throw invalidEvent(place, path, "it has a lone surrogate, which no storage keeps");
  return text;
}

function encodeData(place: EventPlace, data: unknown): string {
  if (data !== undefined) return encodeJson(place, "data", data);
  throw invalidEvent(place, "data", "it is missing; write null for an event without details");
}

function encodeBytes(place: EventPlace, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > MAX_EVENT_BYTES) throw tooLarge(place, "data", bytes.byteLength);
  return new Uint8Array(bytes);
}

function encodeMetadata(place: EventPlace, metadata: unknown, transactionId: string | undefined): string | null {
  if (metadata === undefined || metadata === null) {
    return transactionId === undefined ? null : `{"transactionId":"${transactionId}"}`;
  }
  if (typeof metadata !== "object" || metadata === null || !isPlainObject(metadata)) {
    throw invalidEvent(place, "metadata", `expected a plain object or null, got ${describeValue(metadata)}`);
  }
  return encodeJson(place, "metadata", transactionId === undefined ? metadata : { transactionId, ...metadata });
}

// A UTF-16 unit takes at most three bytes in UTF-8, so that most texts need no counting.
const UTF8_BYTES_PER_UNIT = 3;

function encodeJson(place: EventPlace, path: string, value: unknown): string {
  let text: string;
  try {
    text = flatText(toJsonText(value, path));
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidEvent(place, error.path, error.message);
    throw invalidEvent(place, path, "reading it failed", error);
  }
  if (text.length * UTF8_BYTES_PER_UNIT > MAX_EVENT_BYTES) {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_EVENT_BYTES) throw tooLarge(place, path, bytes);
  }
  return text;
}

function tooLarge(place: EventPlace, path: string, bytes: number): InvalidEventError {
  const reason = `it takes ${bytes} bytes, and the maximum is ${MAX_EVENT_BYTES}; keep large content elsewhere and refer to it`;
  return invalidEvent(place, path, reason);
}

/** Says which event cannot be stored, and why. */
export function invalidEvent(place: EventPlace, path: string, reason: string, cause?: unknown): InvalidEventError {
  const { streamId, location, eventIndex } = place;
  const where = path === "" ? `event ${eventIndex}` : `${shownPath(path)} of event ${eventIndex}`;
  const message = `Cannot write to stream "${streamId}"${inStore(location)}: ${where}: ${reason}. Nothing was written.`;
  return new InvalidEventError({ eventIndex, path }, message, cause === undefined ? undefined : { cause });
}

/**
 * The same text in one piece.
 *
 * V8 keeps a concatenated string as a tree of its parts until somebody reads it. As a tree, an event that waits to be
 * stored would take several times its length in memory.
 */
function flatText(text: string): string {
  text.charCodeAt(0);
  return text;
}
