import { StorageError } from "../../../protocols/index.js";
import { LIBRARY_PREFIX } from "../../../src/adapter-kit/library-objects.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { INDEX_PREFIX } from "../indexes/field-index.js";
import type { FoundIndex } from "../indexes/update-indexes.js";
import { MIGRATIONS } from "./schema.js";

const STEPS = MIGRATIONS.join("\n");
const TRIGGERS = [...STEPS.matchAll(/CREATE TRIGGER[\s\S]*?\bEND(?=;)/g)].map(([sql]) => sql);
/** The tables that statements of the library read or write; the counter of positions is SQLite's. */
const TABLES = [...[...STEPS.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name as string), "sqlite_sequence"];

// ?1 names of tables, ?2 triggers as SQL.
const OTHER_OBJECTS = `
  SELECT type, name, sql FROM sqlite_schema
  WHERE (lower(name) IN (SELECT value FROM json_each(?1)) AND type <> 'index' AND type <> 'trigger'
         AND (type <> 'table' OR sql NOT LIKE 'CREATE TABLE%'))
     OR (type = 'trigger' AND lower(substr(tbl_name, 1, ${LIBRARY_PREFIX.length})) = '${LIBRARY_PREFIX}'
         AND sql NOT IN (SELECT value FROM json_each(?2)))
     OR (type = 'index' AND lower(substr(name, 1, ${INDEX_PREFIX.length})) = '${INDEX_PREFIX}')`;

/** What a schema has beside the library's own tables, triggers and indexes. */
export interface InspectedSchema {
  /** The triggers of other programs on the library's tables, which would run with each write. */
  readonly triggers: readonly string[];
  /** The indexes of filter fields. */
  readonly indexes: readonly FoundIndex[];
}

/**
 * Checks the objects with the library's names before any statement uses them. A view or a virtual table in place of a
 * table, or another program's trigger on one, can run forever.
 *
 * Every other change is left to `verify`, which needs an open store.
 *
 * @throws StorageError `STORAGE_CORRUPT` when the place of a table is taken
 */
export async function inspectSchema(connection: SQLiteConnection, path: string): Promise<InspectedSchema> {
  const parameters = [JSON.stringify(TABLES), JSON.stringify(TRIGGERS)];
  const found = await connection.all<{ type: string; name: string; sql: string }>(OTHER_OBJECTS, parameters);
  const triggers = found.filter(({ type }) => type === "trigger").map(({ name }) => name);
  const indexes = found.filter(({ type }) => type === "index");
  const impostor = found.find(({ type }) => type !== "trigger" && type !== "index");
  if (impostor === undefined) return { triggers, indexes };
  const kind = impostor.type === "view" ? "a view" : "a virtual table";
  const message =
    `Cannot open ${path}: ${impostor.name} is ${kind} and not the table that the library makes. ` +
    "The database was changed by another program. Nothing was read from it; restore a backup.";
  throw new StorageError("STORAGE_CORRUPT", message);
}
