import { InvalidFilterError } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";

/** How an adapter takes the fields of its `indexes`. */
export interface IndexFieldRules<Index> {
  /** @throws InvalidFilterError or RangeError when it can have no index */
  parse(field: string): Index;
  /** Which fields it takes. */
  readonly expected: string;
  readonly maxFields: number;
}

/**
 * Parses the option `indexes`: fields, each once.
 *
 * @throws InvalidArgumentError
 */
export function parseIndexFields<Index>(
  fields: unknown,
  { parse, expected, maxFields }: IndexFieldRules<Index>,
): readonly Index[] {
  if (!Array.isArray(fields)) {
    throw invalidArgument("indexes", `expected a list of filter fields, got ${describeValue(fields)}`);
  }
  if (fields.length > maxFields) throw invalidArgument("indexes", `${fields.length} fields are more than ${maxFields}`);
  // Not map, which leaves out the holes of a list.
  return Array.from(fields as unknown[], (field, index) => {
    const parsed = parseField(field);
    if (fields.indexOf(field) !== index) throw invalidArgument("indexes", `${describeValue(field)} is in it twice`);
    return parsed;
  });

  function parseField(field: unknown): Index {
    try {
      return parse(field as string);
    } catch (error) {
      if (!(error instanceof InvalidFilterError || error instanceof RangeError)) throw error;
      throw invalidArgument("indexes", `expected ${expected}, got ${describeValue(field)}`);
    }
  }
}
