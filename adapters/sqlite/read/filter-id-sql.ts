import type { ParsedClause, ParsedValue } from "../../../protocols/index.js";
import { likeCondition, prefixCondition, type SQLCondition } from "./filter-text-sql.js";

/** An id is a key, which is stored as text, or a UUID that was made at the write, which is stored as 16 bytes. */
const IS_KEY = "typeof(e.id) = 'text'";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The part of a clause on ids that SQLite can apply. */
export function idCondition({ op, value }: ParsedClause): SQLCondition | null {
  const wanted = op === "in" ? (value as readonly ParsedValue[]) : [value as ParsedValue];
  const ids = wanted.filter((id) => typeof id === "string");
  if (ids.length === 0) return { sql: "0", values: [] };
  if (op === "=" || op === "in") return equalsOneOf(ids);
  const id = ids[0] as string;
  const ofKeys = keyCondition(op, id);
  // The text of a made id is nowhere to be compared.
  return ofKeys && { sql: `typeof(e.id) = 'blob' OR (${ofKeys.sql})`, values: ofKeys.values };
}

/** Any of these may be a key. What has the form of a made id may be one of those as well, which no index has. */
function equalsOneOf(ids: readonly string[]): SQLCondition {
  const isKey = `${IS_KEY} AND e.id IN (SELECT value FROM json_each(?))`;
  const uuids = ids.filter((id) => UUID.test(id)).map((id) => id.replaceAll("-", ""));
  const keys = JSON.stringify(ids);
  if (uuids.length === 0) return { sql: isKey, values: [keys], isKeyLookup: true };
  const isMade = "typeof(e.id) = 'blob' AND lower(hex(e.id)) IN (SELECT value FROM json_each(?))";
  return { sql: `(${isKey}) OR (${isMade})`, values: [keys, JSON.stringify(uuids)] };
}

function keyCondition(op: Exclude<ParsedClause["op"], "=" | "in">, id: string): SQLCondition | null {
  if (op === "like") return likeCondition(id, "e.id");
  if (op === "prefix") return prefixCondition(id, "e.id");
  return { sql: `e.id ${op} ?`, values: [id] };
}
