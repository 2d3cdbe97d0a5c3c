import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { validateEnvelope } from "../../../examples/wiretuner/index.js";

const GOOD = {
  eventId: randomUUID(),
  timestamp: 1_700_000_000_000,
  eventType: "CreatePathEvent",
  eventSequence: 0,
  documentId: randomUUID(),
};

test.each([
  ["the required fields", {}],
  ["sequenceNumber instead of eventSequence", { eventSequence: undefined, sequenceNumber: 7 }],
  ["both names of its place", { sequenceNumber: 0 }],
  ["the local user", { userId: "local-user", sessionId: randomUUID() }],
  ["all optional fields", { userId: randomUUID(), undoGroupId: randomUUID(), samplingIntervalMs: 50 }],
  ["fields of its own", { pathId: "path-1", x: -1.5 }],
])("an envelope with %s has no problem", (_, fields) => {
  expect(validateEnvelope({ ...GOOD, ...fields })).toEqual([]);
});

test.each([
  ["eventId", undefined, "eventId is missing"],
  ["eventId", "42", "eventId is not a UUID: '42'"],
  ["timestamp", undefined, "timestamp is missing"],
  ["timestamp", 0, "timestamp is not a positive integer"],
  ["timestamp", 1.5, "timestamp is not a positive integer"],
  ["timestamp", "1700000000000", "timestamp is not a positive integer"],
  ["timestamp", 10n, "timestamp is not a positive integer"],
  ["eventType", undefined, "eventType is missing"],
  ["eventType", "create path", "eventType is not the name of an event class"],
  ["eventType", "", "eventType is not the name of an event class"],
  ["eventSequence", undefined, "eventSequence is missing"],
  ["eventSequence", -1, "eventSequence is not a whole number, 0 or more: -1"],
  ["eventSequence", 0.5, "eventSequence is not a whole number, 0 or more"],
  ["sequenceNumber", 3, "sequenceNumber and eventSequence differ"],
  ["documentId", undefined, "documentId is missing"],
  ["documentId", "doc-123", "documentId is not a UUID of version 4"],
  ["documentId", "0190a5a0-0000-7000-8000-000000000000", "documentId is not a UUID of version 4"],
  ["samplingIntervalMs", 0, "samplingIntervalMs is not a positive integer"],
  ["undoGroupId", "group", "undoGroupId is not a UUID"],
  ["userId", "ada", 'userId is not a UUID, or "local-user"'],
  ["sessionId", 7, "sessionId is not a UUID"],
])("%s that is %s is a problem", (field, value, problem) => {
  expect(validateEnvelope({ ...GOOD, [field]: value })).toEqual([expect.stringContaining(problem)]);
});

test("all problems are named, and what is no object is one", () => {
  expect(validateEnvelope({})).toHaveLength(5);
  for (const event of [null, undefined, "event", []])
    expect(validateEnvelope(event)).toEqual(["the event is no object"]);
});
