import type { StoredEvent } from "../../protocols/index.js";
import { type PersonalCatalogue, type PersonalField, schemaVersionOf, subjectOf } from "./personal-catalogue.js";
import { isData } from "./personal-values.js";
import { isSealedValue, type SealedValue } from "./sealed-value.js";
import { hiddenSubject } from "./subject-names.js";

/** A sealed value of an event that was read. */
export interface ClosedValue {
  readonly field: PersonalField;
  readonly sealed: SealedValue;
  /** The id of the person. Undefined: it is sealed as well. */
  readonly person: string | undefined;
  /** The person as the key store knows them. */
  readonly subject: string;
}

const NONE: readonly ClosedValue[] = [];

/** The sealed values of an event at the places where its version has personal fields. */
export function closedValues(catalogue: PersonalCatalogue, event: StoredEvent): readonly ClosedValue[] {
  const { type, data, metadata } = event;
  if (!catalogue.has(type) || !isData(data)) return NONE;
  const fields = catalogue.fieldsOf(type, schemaVersionOf(metadata));
  if (fields === undefined) return NONE;
  const values: ClosedValue[] = [];
  for (const field of fields) {
    const sealed = data[field.key];
    if (!isSealedValue(sealed)) continue;
    // An id that is gone is no reason to take the value for erased: its key is asked for by the name.
    const person = field.subject.isHidden ? undefined : subjectOf(field.subject, event);
    values.push({ field, sealed, person, subject: person ?? hiddenSubject(sealed.k) });
  }
  return values;
}
