import { createHash } from "node:crypto";
import type { ParsedClause } from "../../../protocols/index.js";
import { parseField } from "../../../src/filter/parse-field.js";
import type { StoreNames } from "../open/schema.js";
import { quoteText, textArray } from "../sql-text.js";

/** The most fields that a store may have an index of: each costs time with every append. */
export const MAX_INDEXED_FIELDS = 16;

/** A filter field that may have an index. */
export type IndexField = "type" | "streamId" | `metadata.${string}` | `data.${string}`;

/** A field that the store has an index of. */
export interface FieldIndex {
  readonly field: string;
  readonly parsed: Pick<ParsedClause, "field" | "path">;
}

/** An index in the database. */
export interface IndexDefinition {
  readonly name: string;
  /** What it is of, behind the name of the table. */
  readonly columns: string;
}

/** The indexes of fields, and nothing else, have names that begin so. */
export const INDEX_PREFIX = "es_index_";

/**
 * @throws InvalidFilterError when it is no filter field
 * @throws RangeError when it is one that cannot have an index
 */
export function fieldIndex(field: string): FieldIndex {
  const parsed = parseField(field, 0);
  const isIndexable = parsed.path.length > 0 || parsed.field === "type" || parsed.field === "streamId";
  if (!isIndexable || parsed.path.some((key) => key.includes("\0"))) throw new RangeError(field);
  return { field, parsed };
}

/** What a query and the indexes of a field have in common. The path is a part of the text: an index has no parameters. */
export function indexedExpression({ parsed: { field, path } }: FieldIndex, { prefix }: StoreNames, table = ""): string {
  return path.length === 0
    ? `${table}type`
    : `${prefix}es_field(${table}${field}, ${quoteText(textArray(path))}::text[])`;
}

/** The indexes of a field: for all events in the order of their positions, and for those of a stream. */
export function definitionsOf(index: FieldIndex, names: StoreNames): readonly IndexDefinition[] {
  // The store has these for itself.
  if (index.parsed.field === "streamId") return [];
  const expression = indexedExpression(index, names);
  const where = index.parsed.path.length === 0 ? "" : ` WHERE ${expression} IS NOT NULL`;
  const digest = createHash("sha256").update(index.field).digest("hex").slice(0, 24);
  return [
    { name: `${INDEX_PREFIX}all_${digest}`, columns: `((${expression}), position)${where}` },
    { name: `${INDEX_PREFIX}stream_${digest}`, columns: `(stream, (${expression}), version)${where}` },
  ];
}
