import type { CandidateEvent, StoredEvent } from "../../protocols/index.js";
import { didYouMean } from "../validate/nearest-name.js";

type EventField = Exclude<keyof CandidateEvent, "position">;

// Records, so that the compiler finds a field that is not in them.
const EVENT_FIELDS: Readonly<Record<EventField, true>> = {
  type: true,
  data: true,
  metadata: true,
  idempotencyKey: true,
};
const FIELDS_OF_THE_STORE: Readonly<Record<Exclude<keyof StoredEvent, EventField>, true>> = {
  id: true,
  streamId: true,
  version: true,
  position: true,
  timestamp: true,
};

/**
 * The first field of an event to write that no such event has, and why it is refused. A misspelt `idempotencyKey` would
 * store the event twice, and nobody would notice. As with options, a field that is undefined is not there.
 */
export function findUnknownField(event: object): { readonly field: string; readonly reason: string } | undefined {
  // Much cheaper than a list of the keys. It shows inherited keys as well.
  for (const field in event) {
    // Comparing the names costs a third of looking them up.
    if (field === "type" || field === "data" || field === "metadata" || field === "idempotencyKey") continue;
    if (Object.hasOwn(EVENT_FIELDS, field) || !Object.hasOwn(event, field)) continue;
    if ((event as Readonly<Record<string, unknown>>)[field] !== undefined) return { field, reason: reasonFor(field) };
  }
  return undefined;
}

function reasonFor(field: string): string {
  if (Object.hasOwn(FIELDS_OF_THE_STORE, field)) {
    return "the store sets this field. To write a stored event again, write { type, data, metadata, idempotencyKey: id }";
  }
  const known = Object.keys(EVENT_FIELDS);
  return `there is no such field${didYouMean(field, known)}; an event has ${known.join(", ")}`;
}
