import type { ParsedClause } from "../../../protocols/index.js";
import { parseField } from "../../../src/filter/parse-field.js";
import { jsonPathOf } from "../json-path.js";

/** The most fields that a store may have an index of: each costs time with every append. */
export const MAX_INDEXED_FIELDS = 16;

/**
 * How many characters of a value are indexed, so that a long text takes no more room there. Values that begin alike are
 * told apart when their events are read.
 */
const MAX_INDEXED_CHARACTERS = 256;

/** A filter field that may have an index. */
export type IndexField = "type" | "streamId" | `metadata.${string}` | `data.${string}`;

/** An index in the database. */
export interface IndexDefinition {
  readonly name: string;
  /** The statement that makes it, as SQLite keeps it. */
  readonly sql: string;
}

/** The indexes of one filter field. */
export interface FieldIndex {
  readonly field: string;
  readonly parsed: Pick<ParsedClause, "field" | "path">;
  /** The value in a row, as the indexes have it: a query must use the same text. */
  readonly expression: string;
  /** Finds events in the order of their positions. */
  readonly ofAll: IndexDefinition;
  /** Finds events of one stream in the order of their versions. Absent where a stream has one value. */
  readonly ofStream: IndexDefinition | undefined;
}

/**
 * The indexes of a field. Its path becomes SQL text, since an index has no parameters: as a string literal, and only if
 * JSON needs no escape for its keys.
 *
 * @throws InvalidFilterError when it is no filter field
 * @throws RangeError when it is one that cannot have an index
 */
export function fieldIndex(field: string): FieldIndex {
  const parsed = parseField(field, 0);
  const expression = expressionOf(parsed);
  if (expression === null) throw new RangeError(field);
  // Events without the field are not in its indexes.
  const where = parsed.path.length > 0 ? ` WHERE ${expression} IS NOT NULL` : "";
  const define = (kind: "all" | "stream", columns: string): IndexDefinition => {
    const name = `${INDEX_PREFIX}${kind}_${encodeName(field)}`;
    return { name, sql: `CREATE INDEX ${name} ON es_events (${columns})${where}` };
  };
  return {
    field,
    parsed,
    expression,
    // SQLite adds the position to each entry of an index.
    ofAll: define("all", expression),
    ofStream: parsed.field === "streamId" ? undefined : define("stream", `stream, ${expression}, version`),
  };
}

/** The indexes in the database that a field has. */
export function definitionsOf({ ofAll, ofStream }: FieldIndex): readonly IndexDefinition[] {
  return ofStream === undefined ? [ofAll] : [ofAll, ofStream];
}

/** The indexes of fields, and nothing else, have names that begin so. */
export const INDEX_PREFIX = "es_index_";

const NAME = new RegExp(`^${INDEX_PREFIX}(?:all|stream)_((?:[a-z0-9]|_[0-9a-f]{2})+)$`);

/** The field that an index is of, if it is as the library makes it. */
export function indexedField({ name, sql }: { readonly name: string; readonly sql: string | null }): string | null {
  const encoded = NAME.exec(name)?.[1];
  if (encoded === undefined) return null;
  try {
    const field = decodeName(encoded);
    return definitionsOf(fieldIndex(field)).some((own) => own.name === name && own.sql === sql) ? field : null;
  } catch {
    return null;
  }
}

/** The beginning of a JSON text that is indexed. */
export function indexedText(text: string): string {
  // A character has at most two units, and a long text need not be split as a whole.
  return [...text.slice(0, 2 * MAX_INDEXED_CHARACTERS)].slice(0, MAX_INDEXED_CHARACTERS).join("");
}

function expressionOf({ field, path }: FieldIndex["parsed"]): string | null {
  if (field === "type") return "type";
  if (field === "streamId") return "stream";
  const jsonPath = path.length === 0 ? null : jsonPathOf(path);
  if (jsonPath === null) return null;
  const json = field === "metadata" ? "metadata" : "(CASE codec & 1 WHEN 0 THEN data END)";
  return `substr(${json} -> '${jsonPath.replaceAll("'", "''")}', 1, ${MAX_INDEXED_CHARACTERS})`;
}

// SQLite's names have no case, so that capitals are encoded, too.
function encodeName(field: string): string {
  return [...Buffer.from(field)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9]/.test(character) ? character : `_${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function decodeName(encoded: string): string {
  const hex = encoded.replaceAll(/_(..)|([a-z0-9])/g, (_, digits: string | undefined, character: string) =>
    digits === undefined ? character.charCodeAt(0).toString(16) : digits,
  );
  return Buffer.from(hex, "hex").toString();
}
