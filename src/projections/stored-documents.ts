import type { JsonValue } from "../../protocols/index.js";
import { storedJSON } from "../adapter-kit/stored-json.js";
import { sql } from "../transaction/sql-statement.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";
import type { ProjectionContext } from "./projection.js";
import { hasTables, VersionedContext } from "./versioned-context.js";

/** The space of the documents that are no rows. */
const SPACE = "documents";

/** PostgreSQL has no index of a text that takes much more, after it has compressed it. */
const MAX_INDEXED_BYTES = 2_600;

/** Whether the document of a key is a row. Any stream id may be a key, and PostgreSQL keeps no NUL in a text. */
function isRow(context: ProjectionContext, key: string): boolean {
  if (!hasTables(context)) return false;
  if (context.sql.dialect !== "postgresql") return true;
  return !key.includes("\0") && Buffer.byteLength(key) <= MAX_INDEXED_BYTES;
}

/** The document of a key in the version of the context, or null. */
export async function loadDocument<S extends JsonValue>(
  context: ProjectionContext,
  name: string,
  key: string,
): Promise<S | null> {
  if (!isRow(context, key)) {
    const found = await context.records.get(SPACE, key);
    return found === null ? null : (found.value.document as S);
  }
  const [row] = await context.sql.all<{ document: string }>(
    sql`SELECT document FROM ${context.table(name)} WHERE key = ${key}`,
  );
  if (row === undefined) return null;
  const location = context instanceof VersionedContext ? context.location : undefined;
  return storedJSON(row.document, `the document "${key}" of "${name}"${inStore(location)}`) as S;
}

/**
 * Stores the document of a key in its version, or deletes it.
 *
 * @throws InvalidArgumentError when JSON cannot carry it
 */
export async function storeDocument(
  context: ProjectionContext,
  name: string,
  key: string,
  document: JsonValue | null,
): Promise<void> {
  if (!isRow(context, key)) {
    if (document === null) await context.records.delete(SPACE, key);
    else await context.records.put(SPACE, key, { document });
    return;
  }
  const table = context.table(name);
  if (document === null) await context.sql.run(sql`DELETE FROM ${table} WHERE key = ${key}`);
  else {
    const text = documentText(document);
    await context.sql.run(sql`
      INSERT INTO ${table} VALUES (${key}, ${text})
      ON CONFLICT (key) DO UPDATE SET document = excluded.document`);
  }
}

/** Refuses what would come back changed, as records do: NaN would be null, which is no document. */
function documentText(document: JsonValue): string {
  try {
    return toJsonText(document, "document");
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidArgument("document", `${shownPath(error.path)}: ${error.message}`);
    throw error;
  }
}
