import type { NewEvent } from "../../protocols/index.js";
import { describeValue } from "../validate/json-text.js";
import { type EventPlace, invalidEvent } from "../write/encode-events.js";
import {
  type PersonalCatalogue,
  type PersonalField,
  type SubjectSource,
  schemaVersionOf,
  subjectOf,
} from "./personal-catalogue.js";
import { checkSubject } from "./subject-names.js";

/** Data that is an object, as all has that has personal fields. */
export type Data = Record<string, unknown>;

/** A value that is to be sealed, and whose it is. */
export interface PersonalValue {
  readonly field: PersonalField;
  readonly subject: string;
}

/** An event that is being written and has such values. */
export interface PersonalEvent {
  readonly event: NewEvent;
  /** Its index in the write. */
  readonly index: number;
  readonly data: Data;
  readonly values: readonly PersonalValue[];
}

/**
 * The events of a write that have something to seal. A field that is missing or null has nothing.
 *
 * @throws InvalidEventError when an event does not say whose data it has, or has a version that the catalogue does not know
 */
export function personalEvents(
  catalogue: PersonalCatalogue,
  streamId: string,
  events: readonly NewEvent[],
  location: string | undefined,
): readonly PersonalEvent[] {
  const found: PersonalEvent[] = [];
  for (const [index, event] of events.entries()) {
    if (!catalogue.has(event.type) || typeof event.data !== "string") continue;
    const data: unknown = JSON.parse(event.data);
    if (!isData(data)) continue;
    const metadata: unknown = event.metadata === null ? null : JSON.parse(event.metadata);
    const place = { streamId, location, eventIndex: index };
    const version = schemaVersionOf(metadata);
    const fields = catalogue.fieldsOf(event.type, version);
    if (fields === undefined) {
      // Nobody knows what of it is personal.
      const reason = `expected a version of "${event.type}" that the catalogue has, got ${describeValue(version)}`;
      throw invalidEvent(place, "metadata.schemaVersion", reason);
    }
    const values = fields
      .filter(({ key }) => hasValue(data, key))
      .map((field) => ({ field, subject: checkedSubject(field, { streamId, data, metadata }, place) }));
    if (values.length > 0) found.push({ event, index, data, values });
  }
  return found;
}

/** A value that was sealed for somebody who cannot be forgotten could never be erased. */
function checkedSubject({ path, subject }: PersonalField, source: SubjectSource, place: EventPlace): string {
  const found = subjectOf(subject, source);
  const reason = `expected the id of the person whose ${path} it is`;
  if (found === undefined) throw invalidEvent(place, subject.path, reason);
  try {
    checkSubject(found);
  } catch (error) {
    // The id may be sealed itself, so the message does not have it.
    throw invalidEvent(place, subject.path, `${reason}; "forget" does not take this one`, error);
  }
  return found;
}

export function isData(data: unknown): data is Data {
  return typeof data === "object" && data !== null && !Array.isArray(data) && !(data instanceof Uint8Array);
}

function hasValue(data: Data, key: string): boolean {
  return Object.hasOwn(data, key) && data[key] !== null;
}
