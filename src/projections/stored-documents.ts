import { isStreamError, type JsonValue, type SQLName, type SQLStatement } from "../../protocols/index.js";
import { storedJSON } from "../adapter-kit/stored-json.js";
import { sql, name as sqlName } from "../transaction/sql-statement.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";
import type { ModelStore } from "./model-store.js";
import type { ProjectionContext } from "./projection.js";
import { readLive, tableName } from "./projection-records.js";
import { hasTables, VersionedContext } from "./versioned-context.js";

/** The space of the documents that are no rows. */
const SPACE = "documents";

/** PostgreSQL has no index of a text that takes much more, after it has compressed it. */
const MAX_INDEXED_BYTES = 2_600;

/** Whether the document of a key is a row. Any stream id may be a key, and PostgreSQL keeps no NUL in a text. */
function isRow(context: ProjectionContext, key: string): boolean {
  if (!hasTables(context)) return false;
  return context.sql.dialect !== "postgresql" || isIndexable(key);
}

const isIndexable = (key: string): boolean => !key.includes("\0") && Buffer.byteLength(key) <= MAX_INDEXED_BYTES;

const select = (table: SQLName, key: string): SQLStatement => sql`SELECT document FROM ${table} WHERE key = ${key}`;

/** What the rows of a key have. */
function documentIn<S extends JsonValue>(
  [row]: readonly object[],
  name: string,
  key: string,
  store?: string,
): S | null {
  if (row === undefined) return null;
  const { document } = row as { readonly document: string };
  return storedJSON(document, `the document "${key}" of "${name}"${inStore(store)}`) as S;
}

/** The document of a key in the live version, without a transaction, which writers would wait for. Undefined: it needs one. */
export async function loadCommitted<S extends JsonValue>(
  { access, committed, spaces }: ModelStore,
  name: string,
  key: string,
): Promise<S | null | undefined> {
  const query = access?.storage.query?.bind(access.storage);
  if (access === undefined || committed === undefined || query === undefined || !isIndexable(key)) return undefined;
  const load = async () =>
    committed.read("readDocument", async (records) => {
      const live = await readLive(records, spaces, name);
      if (live === null) return null;
      try {
        const rows = await query(select(sqlName(tableName(name, live)), key), { signal: undefined });
        return documentIn<S>(rows, name, key, access.location);
      } catch (error) {
        // The projection may have been dropped meanwhile.
        if (isStreamError(error, "STORAGE_FAILED")) return undefined;
        throw error;
      }
    });
  return access.context.calls.note(load, "readDocument");
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
  const rows = await context.sql.all<{ document: string }>(select(context.table(name), key));
  return documentIn(rows, name, key, context instanceof VersionedContext ? context.location : undefined);
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
