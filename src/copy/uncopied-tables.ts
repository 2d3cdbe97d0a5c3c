import { StorageError, type StoreContents } from "../../protocols/index.js";
import { storedObject } from "../adapter-kit/stored-json.js";
import { BUILD_SPACES, readModelTablesOf } from "../projections/read-model-tables.js";

/** How many tables a message names. */
const MAX_NAMED_TABLES = 10;

/**
 * Checks that the application has no tables but read models, which are made again from the copy's events.
 *
 * @throws StorageError `STORAGE_UNSUPPORTED`
 */
export async function assertNoTables(contents: StoreContents, store: string, attempt: string): Promise<void> {
  const tables = (await contents.listTables?.()) ?? [];
  if (tables.length === 0) return;
  const readModels = await readModelTables(contents, store);
  const left = tables.filter((name) => !readModels.has(name));
  if (left.length > 0) throw tablesLeft(attempt, left);
}

/** The tables of all versions of all projections. */
async function readModelTables(contents: StoreContents, store: string): Promise<ReadonlySet<string>> {
  const tables = new Set<string>();
  for (const space of BUILD_SPACES) {
    for await (const page of contents.read("records", { space, key: "" })) {
      for (const { key, value } of page.filter((record) => record.space === space)) {
        const build = storedObject(value, `the record "${key}" of "${space}" in ${store}`);
        for (const { table } of readModelTablesOf(key, build)) tables.add(table);
      }
      if (page.some((record) => record.space !== space)) break;
    }
  }
  return tables;
}

function tablesLeft(attempt: string, tables: readonly string[]): StorageError {
  const names = tables.slice(0, MAX_NAMED_TABLES).map((name) => `"${name}"`);
  const others = tables.length > names.length ? ` and ${tables.length - names.length} others` : "";
  const message =
    `Cannot ${attempt}: the application's tables would not come along (${names.join(", ")}${others}). Nothing was copied. ` +
    'Create them with `migrate`, bring their rows with a script of your own, and say tables: "none"; or copy the whole ' +
    "database, with `pg_dump` from PostgreSQL to PostgreSQL, and with backup() from SQLite to SQLite.";
  return new StorageError("STORAGE_UNSUPPORTED", message);
}
