import type { StoredEvent } from "../../protocols/index.js";
import type { KeyState } from "./key-cache.js";
import type { PersonalCatalogue, PersonalField } from "./personal-catalogue.js";
import { schemaVersionOf, subjectOf } from "./personal-catalogue.js";
import { type Data, isData } from "./personal-values.js";
import { isSealedValue, type SealedValue, withoutForm } from "./sealed-value.js";
import type { TextToOpen } from "./short-values.js";
import { hiddenSubject } from "./subject-names.js";

/** A sealed value of an event that was read. A page has thousands, so that each is one object. */
export class ClosedValue implements TextToOpen {
  readonly event: StoredEvent;
  readonly field: PersonalField;
  /** The name of the person whose key sealed it. */
  readonly name: string;
  /** The id of the person. Undefined: it is sealed as well, or is not there. */
  readonly person: string | undefined;
  /** The person as the key store knows them. */
  readonly subject: string;
  readonly place: string;
  readonly base64: string;
  /** Undefined: it has to be looked up. */
  key: KeyState | undefined = undefined;
  text: string | undefined = undefined;
  next: ClosedValue | undefined = undefined;

  constructor(event: StoredEvent, field: PersonalField, { k, c }: SealedValue, person: string | undefined) {
    this.event = event;
    this.field = field;
    this.name = k;
    this.person = person;
    // An id that is gone is no reason to take the value for erased: its key is asked for by the name.
    this.subject = person ?? hiddenSubject(k);
    this.place = field.placeIn(event.streamId);
    this.base64 = c;
  }

  /** Puts what it is into its event. */
  set(value: unknown): void {
    (this.event.data as Data)[this.field.key] = value;
  }
}

/** Adds the sealed values of an event, at the places where its version has personal fields, to a list. */
export function addClosedValues(catalogue: PersonalCatalogue, event: StoredEvent, values: ClosedValue[]): void {
  const { type, data, metadata } = event;
  if (!catalogue.has(type) || !isData(data)) return;
  const fields = catalogue.fieldsOf(type, schemaVersionOf(metadata));
  if (fields === undefined) return;
  let last: ClosedValue | undefined;
  for (const field of fields) {
    const value = data[field.key];
    const sealed = isSealedValue(value) ? value : withoutForm(value);
    if (sealed === undefined) continue;
    const person = field.subject === last?.field.subject ? last.person : personOf(field, event);
    last = new ClosedValue(event, field, sealed, person);
    values.push(last);
  }
}

function personOf({ subject }: PersonalField, event: StoredEvent): string | undefined {
  return subject.isHidden ? undefined : subjectOf(subject, event);
}
