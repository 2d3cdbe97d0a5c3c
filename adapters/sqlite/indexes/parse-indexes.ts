import { parseIndexFields } from "../../../src/adapter-kit/parse-index-fields.js";
import { type FieldIndex, fieldIndex, MAX_INDEXED_FIELDS } from "./field-index.js";

/** @throws InvalidArgumentError */
export function parseIndexes(fields: unknown): readonly FieldIndex[] {
  return parseIndexFields(fields, {
    parse: fieldIndex,
    expected:
      '"type", "streamId", "metadata.<path>" or "data.<path>", ' +
      "where a key of the path has no quotation mark, backslash, control character or bracket",
    maxFields: MAX_INDEXED_FIELDS,
  });
}
