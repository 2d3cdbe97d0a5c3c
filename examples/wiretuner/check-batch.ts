import { inspect } from "node:util";
import { DocumentError, duplicateSequence, sequenceGap } from "./document-errors.js";
import type { FlatEvent } from "./flat-event.js";

/**
 * Checks what every event needs before it is stored: {@link validateEnvelope} says more. The sequences of a batch follow each
 * other.
 */
export function checkBatch(documentId: string, events: readonly FlatEvent[]): void {
  if (!Array.isArray(events)) throw new TypeError(`events must be an array, got ${inspect(events)}.`);
  let expected = events[0]?.sequenceNumber ?? 0;
  for (const [index, event] of events.entries()) {
    const problem = problemOf(documentId, event);
    if (problem !== undefined) {
      const message = `Event ${index} for document "${documentId}" is invalid: ${problem}. Nothing was persisted.`;
      throw new DocumentError("INVALID_EVENT", [message]);
    }
    if (event.sequenceNumber < expected) throw duplicateSequence(documentId, event.sequenceNumber);
    if (event.sequenceNumber > expected) throw sequenceGap(documentId, event.sequenceNumber, expected);
    expected += 1;
  }
}

function problemOf(expectedDocumentId: string, event: FlatEvent): string | undefined {
  if (typeof event !== "object" || event === null) return "it is no object";
  const { eventId, eventType, timestamp, sequenceNumber, documentId = expectedDocumentId } = event;
  if (typeof eventId !== "string" || eventId === "") return "eventId is missing";
  if (typeof eventType !== "string" || eventType === "") return "eventType is missing";
  if (!Number.isSafeInteger(timestamp) || timestamp <= 0) return "timestamp is not a positive integer";
  if (!Number.isSafeInteger(sequenceNumber) || sequenceNumber < 0)
    return "sequenceNumber is not a whole number, 0 or more";
  if (eventType === "DocumentCreated") return "createDocument alone creates a document";
  if (documentId !== expectedDocumentId) return `it belongs to document "${documentId}"`;
  return undefined;
}
