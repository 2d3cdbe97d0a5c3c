import type { CandidateEvent, JsonObject, StoredEvent } from "async-streams";
import { Problem } from "./problem.js";

/** One line of an event log: in a case, an activity happened at a time. */
export interface LogRecord {
  readonly case: string;
  readonly activity: string;
  /** As the log has it, offset included. */
  readonly timestamp: string;
  readonly lifecycle?: string | undefined;
  readonly resource?: string | undefined;
  readonly attributes: JsonObject;
}

/** The event of an activity: its attributes are the data, and what is about the event itself is metadata. */
export interface LogEvent {
  readonly type: string;
  readonly data: JsonObject;
}

const TEXT_FIELDS = ["case", "activity", "timestamp", "lifecycle", "resource"] as const;
const REQUIRED_FIELDS: readonly string[] = ["case", "activity", "timestamp"];
const FIELDS: ReadonlySet<string> = new Set([...TEXT_FIELDS, "attributes"]);

/**
 * Reads a line, and refuses what the store would change.
 *
 * @throws Problem that says what is wrong, and `where`
 */
export function parseRecord(text: string, where: string): LogRecord {
  const fields = parseObject(text, where);
  for (const field of TEXT_FIELDS) {
    const value = fields[field];
    if (value === undefined && !REQUIRED_FIELDS.includes(field)) continue;
    if (typeof value !== "string" || value === "") throw new Problem(`${where}: "${field}" must be a non-empty string`);
  }
  const unknownField = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (unknownField !== undefined) {
    throw new Problem(`${where}: unknown field "${unknownField}"; what else is known goes under "attributes"`);
  }
  if (Number.isNaN(Date.parse(fields.timestamp as string))) {
    throw new Problem(`${where}: "timestamp" must be a date and time, got ${JSON.stringify(fields.timestamp)}`);
  }
  const { attributes = {} } = fields;
  if (!isObject(attributes)) throw new Problem(`${where}: "attributes" must be an object`);
  return { ...fields, attributes } as unknown as LogRecord;
}

function parseObject(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem(`${where}: not valid JSON`, { cause: error });
  }
  if (!isObject(value)) throw new Problem(`${where}: expected a JSON object`);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A case is a stream, and an activity is a type of event. Names that begin with `@` belong to the store, so such a name
 * gets a `~` in front.
 */
export function toStoredName(name: string): string {
  return /^[@~]/.test(name) ? `~${name}` : name;
}

function toLoggedName(storedName: string): string {
  return storedName.startsWith("~") ? storedName.slice(1) : storedName;
}

/** @param ordinal - the record's place among those of its case, which names the event in every run alike */
export function toEvent(record: LogRecord, ordinal: number): CandidateEvent<LogEvent> {
  const { timestamp, lifecycle, resource } = record;
  return {
    type: toStoredName(record.activity),
    data: record.attributes,
    metadata: {
      timestamp,
      ...(lifecycle === undefined ? {} : { lifecycle }),
      ...(resource === undefined ? {} : { resource }),
    },
    idempotencyKey: `${ordinal}`,
  };
}

/** The way back: the record that an event was made of. */
export function toRecord(event: StoredEvent<LogEvent>): LogRecord {
  const { timestamp, lifecycle, resource } = event.metadata as unknown as Omit<LogRecord, "attributes">;
  return {
    case: toLoggedName(event.streamId),
    activity: toLoggedName(event.type),
    timestamp,
    lifecycle,
    resource,
    attributes: event.data,
  };
}
