import type { ParsedClause } from "../../protocols/index.js";
import { MAX_FILTER_PATH_LENGTH } from "../limits.js";
import { describeValue } from "../validate/json-text.js";
import { didYouMean } from "../validate/nearest-name.js";
import { checkLength, invalidClause } from "./invalid-clause.js";

type ParsedField = Pick<ParsedClause, "field" | "path">;

const PLAIN_FIELDS: ReadonlySet<string> = new Set(["id", "type", "streamId", "version", "position", "timestamp"]);

/**
 * Splits the field of a clause into what it is a field of and the keys below that.
 *
 * @throws InvalidFilterError
 */
export function parseField(name: unknown, index: number): ParsedField {
  if (typeof name !== "string") throw unknownField(name, index);
  checkLength(index, "characters of its field", name.length, MAX_FILTER_PATH_LENGTH);
  if (PLAIN_FIELDS.has(name)) return { field: name as ParsedField["field"], path: [] };
  const [, field] = /^(data|metadata)[.[]/.exec(name) ?? [];
  if (field === undefined) throw unknownField(name, index);
  if (/[[\]]/.test(name)) throw invalidPath(name, index, ` such as ${describeValue(withoutBrackets(name))}`);
  if (!name.isWellFormed()) throw invalidPath(name, index, ", and they have no lone surrogates");
  const path = name.split(".").slice(1);
  if (path.includes("")) throw invalidPath(name, index, ", and none of them is empty");
  return { field: field as ParsedField["field"], path };
}

function unknownField(name: unknown, index: number): Error {
  const known = [...PLAIN_FIELDS, "metadata.<path>", "data.<path>"];
  const meant = typeof name === "string" ? didYouMean(name, [...PLAIN_FIELDS]) : "";
  return invalidClause(index, `unknown field ${describeValue(name)}${meant}; use one of ${known.join(", ")}`);
}

function invalidPath(name: string, index: number, rule: string): Error {
  const what = "A path is the keys of objects, separated by dots";
  const cannot = 'It cannot name an element of an array, nor a key that contains ".", "[" or "]"';
  return invalidClause(index, `${describeValue(name)} is not a path to a field. ${what}${rule}. ${cannot}`);
}

/** The path as it would be written with dots: `data.items` for `data.items[0]`, and `data.a.b` for `data["a"].b`. */
function withoutBrackets(name: string): string {
  const dotted = name
    .replaceAll(/\[\s*(["'`])(.*?)\1\s*\]/g, ".$2")
    .replaceAll(/\[[^\]]*\]?|\]/g, "")
    .replaceAll(/\.{2,}/g, ".")
    .replace(/\.$/, "");
  return dotted.includes(".") ? dotted : `${dotted}.key`;
}
