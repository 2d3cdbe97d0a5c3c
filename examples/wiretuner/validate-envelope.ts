import { inspect } from "node:util";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const CLASS_NAME = /^[A-Z][A-Za-z0-9]*$/;

/** The name of the local user, who has no UUID. */
const LOCAL_USER = "local-user";

type Rule = readonly [field: string, isValid: (value: unknown) => boolean, expected: string];

const isUuid = (value: unknown): boolean => typeof value === "string" && UUID.test(value);
const isPositive = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

export const isDocumentId = (value: unknown): boolean => typeof value === "string" && UUID_V4.test(value);
export const isEventType = (value: unknown): boolean => typeof value === "string" && CLASS_NAME.test(value);
export const isTimestamp = isPositive;

const REQUIRED: readonly Rule[] = [
  ["eventId", isUuid, "a UUID"],
  ["timestamp", isTimestamp, "a positive integer, milliseconds since 1970"],
  ["eventType", isEventType, "the name of an event class"],
  ["documentId", isDocumentId, "a UUID of version 4"],
];

const OPTIONAL: readonly Rule[] = [
  ["samplingIntervalMs", isPositive, "a positive integer"],
  ["undoGroupId", isUuid, "a UUID"],
  ["userId", (value) => value === LOCAL_USER || isUuid(value), `a UUID, or "${LOCAL_USER}"`],
  ["sessionId", isUuid, "a UUID"],
];

/** The two names of an event's place: that of the gateway, and that of the schema. */
const SEQUENCE_FIELDS = ["sequenceNumber", "eventSequence"] as const;

/** What is wrong with the envelope of an event; empty where nothing is. */
export function validateEnvelope(event: unknown): string[] {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return ["the event is no object"];
  const fields = event as Readonly<Record<string, unknown>>;
  const optional = OPTIONAL.filter(([field]) => fields[field] !== undefined);
  return [...[...REQUIRED, ...optional].flatMap((rule) => problemsOf(fields, rule)), ...sequenceProblems(fields)];
}

function problemsOf(fields: Readonly<Record<string, unknown>>, [field, isValid, expected]: Rule): string[] {
  const value = fields[field];
  if (value === undefined) return [`${field} is missing`];
  return isValid(value) ? [] : [`${field} is not ${expected}: ${inspect(value)}`];
}

function sequenceProblems(fields: Readonly<Record<string, unknown>>): string[] {
  const given = SEQUENCE_FIELDS.filter((field) => fields[field] !== undefined);
  if (given.length === 0) return ["eventSequence is missing"];
  const isSequence = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  const problems = given.flatMap((field) => problemsOf(fields, [field, isSequence, "a whole number, 0 or more"]));
  if (given.length === 2 && fields.sequenceNumber !== fields.eventSequence) {
    problems.push("sequenceNumber and eventSequence differ");
  }
  return problems;
}
