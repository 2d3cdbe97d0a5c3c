import { invalidArgument } from "./flowforge-error.js";
import { isPlainObject } from "./ipc/check-json.js";
import type { NewEvent } from "./ports.js";

/**
 * Refuses what one of the databases would not keep as it is, so that an event is the same over both.
 *
 * @throws FlowForgeError `INVALID_ARGUMENT`
 */
export function checkNewEvent({ aggregateId, eventType, payload, metadata = {} }: NewEvent): void {
  checkName("aggregateId", aggregateId);
  checkName("eventType", eventType);
  if (!isPlainObject(payload) || !isJson(payload)) throw invalidArgument("payload must be an object of JSON.");
  if (!isPlainObject(metadata) || !isJson(metadata)) throw invalidArgument("metadata must be an object of JSON.");
  const { schemaVersion = 1 } = metadata;
  if (!Number.isSafeInteger(schemaVersion) || Number(schemaVersion) < 1) {
    throw invalidArgument("schemaVersion must be a whole number, 1 or more.");
  }
}

function checkName(field: string, value: unknown): void {
  if (typeof value === "string" && value !== "" && !value.startsWith("@") && value.isWellFormed()) return;
  throw invalidArgument(`${field} must be a text that does not begin with @.`);
}

/** Whether a value comes back from its text as it is. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isPlainObject(value) && Object.values(value).every(isJson);
}
