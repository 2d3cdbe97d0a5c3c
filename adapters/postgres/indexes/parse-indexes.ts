import { InvalidFilterError } from "../../../protocols/index.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { describeValue } from "../../../src/validate/json-text.js";
import { type FieldIndex, fieldIndex, MAX_INDEXED_FIELDS } from "./field-index.js";

/** @throws InvalidArgumentError */
export function parseIndexes(fields: unknown): readonly FieldIndex[] {
  if (!Array.isArray(fields)) {
    throw invalidArgument("indexes", `expected a list of filter fields, got ${describeValue(fields)}`);
  }
  if (fields.length > MAX_INDEXED_FIELDS) {
    throw invalidArgument("indexes", `${fields.length} fields are more than ${MAX_INDEXED_FIELDS}`);
  }
  // Not map, which leaves out the holes of a list.
  const indexes = Array.from(fields, parseIndex);
  const repeated = indexes.find(({ field }, index) => fields.indexOf(field) !== index);
  if (repeated !== undefined) throw invalidArgument("indexes", `${describeValue(repeated.field)} is in it twice`);
  return indexes;
}

function parseIndex(field: unknown): FieldIndex {
  try {
    return fieldIndex(field as string);
  } catch (error) {
    if (!(error instanceof InvalidFilterError || error instanceof RangeError)) throw error;
    const expected = 'expected "type", "streamId", "metadata.<path>" or "data.<path>"';
    throw invalidArgument("indexes", `${expected}, got ${describeValue(field)}`);
  }
}
