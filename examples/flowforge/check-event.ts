import { MAX_JSON_DEPTH } from "async-streams";
import { invalidArgument } from "./flowforge-error.js";
import { isPlainObject } from "./ipc/check-json.js";
import type { LoadArgs, NewEvent, Snapshot } from "./ports.js";

/** What async-streams takes as the id of a stream, and as the type of an event. */
const MAX_AGGREGATE_ID_LENGTH = 1_024;
const MAX_TYPE_LENGTH = 512;

/**
 * Refuses what one of the databases would not keep as it is, so that an event is the same over both.
 *
 * @throws FlowForgeError `INVALID_ARGUMENT`
 */
export function checkNewEvent({ aggregateId, eventType, payload, metadata = {} }: NewEvent): void {
  checkName("aggregateId", aggregateId, MAX_AGGREGATE_ID_LENGTH);
  checkName("eventType", eventType, MAX_TYPE_LENGTH);
  if (!isPlainObject(payload) || !isJson(payload)) throw invalidArgument("payload must be an object of JSON.");
  if (!isPlainObject(metadata) || !isJson(metadata)) throw invalidArgument("metadata must be an object of JSON.");
  const { schemaVersion = 1 } = metadata;
  if (!Number.isSafeInteger(schemaVersion) || Number(schemaVersion) < 1) {
    throw invalidArgument("schemaVersion must be a whole number, 1 or more.");
  }
}

/** @throws FlowForgeError `INVALID_ARGUMENT` */
export function checkLoadArgs({ aggregateId, afterSeq = 0, limit = 0 }: LoadArgs): void {
  checkName("aggregateId", aggregateId, MAX_AGGREGATE_ID_LENGTH);
  checkCount("afterSeq", afterSeq);
  checkCount("limit", limit);
}

/** @throws FlowForgeError `INVALID_ARGUMENT` */
export function checkSnapshot({ aggregateId, state }: Omit<Snapshot, "createdAt">): void {
  checkName("aggregateId", aggregateId, MAX_AGGREGATE_ID_LENGTH);
  if (!isPlainObject(state) || !isJson(state)) throw invalidArgument("state must be an object of JSON.");
}

function checkName(field: string, value: unknown, maxLength: number): void {
  const isText = typeof value === "string" && value !== "" && value.length <= maxLength && value.isWellFormed();
  if (isText && !value.startsWith("@")) return;
  throw invalidArgument(`${field} must be a text of 1 to ${maxLength} characters that does not begin with @.`);
}

function checkCount(field: string, value: unknown): void {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return;
  throw invalidArgument(`${field} must be a whole number, 0 or more, not ${value}.`);
}

/** Whether a value comes back from its text as it is. One that contains itself is too deep. */
function isJson(value: unknown, depth = 1): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (depth > MAX_JSON_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  return isPlainObject(value) && Object.values(value).every((item) => isJson(item, depth + 1));
}
