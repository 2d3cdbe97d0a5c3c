import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { MIGRATIONS } from "./schema.js";

/** Every name of the library in a database begins so, in upper or lower case. */
const PREFIX = "es_";

/** Whether a table, index, trigger or view has a name of the library's. SQLite's names have no case. */
export function isLibraryName(name: string): boolean {
  return name.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}

const STEPS = MIGRATIONS.join("\n");
const TRIGGERS = [...STEPS.matchAll(/CREATE TRIGGER[\s\S]*?\bEND(?=;)/g)].map(([sql]) => sql);
/** The tables that statements of the library read or write; the counter of positions is SQLite's. */
const TABLES = [...[...STEPS.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name as string), "sqlite_sequence"];

// ?1 names of tables, ?2 triggers as SQL.
const FOREIGN_OBJECTS = `
  SELECT type, name FROM sqlite_schema
  WHERE (lower(name) IN (SELECT value FROM json_each(?1)) AND type <> 'index' AND type <> 'trigger'
         AND (type <> 'table' OR sql NOT LIKE 'CREATE TABLE%'))
     OR (type = 'trigger' AND lower(substr(tbl_name, 1, ${PREFIX.length})) = '${PREFIX}'
         AND sql NOT IN (SELECT value FROM json_each(?2)))`;

/**
 * Checks the objects with the library's names before any statement uses them. A view or a virtual table in place of a
 * table, or another program's trigger on one, can run forever.
 *
 * Every other change is left to `verify`, which needs an open store.
 *
 * @returns the triggers of other programs on the library's tables, which would run with each write
 * @throws StorageError `STORAGE_CORRUPT` when the place of a table is taken
 */
export async function inspectSchema(connection: SQLiteConnection, path: string): Promise<readonly string[]> {
  const parameters = [JSON.stringify(TABLES), JSON.stringify(TRIGGERS)];
  const found = await connection.all<{ type: string; name: string }>(FOREIGN_OBJECTS, parameters);
  const impostor = found.find(({ type }) => type !== "trigger");
  if (impostor === undefined) return found.map(({ name }) => name);
  const kind = impostor.type === "view" ? "a view" : "a virtual table";
  const message =
    `Cannot open ${path}: ${impostor.name} is ${kind} and not the table that the library makes. ` +
    "The database was changed by another program. Nothing was read from it; restore a backup.";
  throw new StorageError("STORAGE_CORRUPT", message);
}
