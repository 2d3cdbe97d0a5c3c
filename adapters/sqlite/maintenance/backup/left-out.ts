import type { BackupOptions } from "../../../../protocols/index.js";
import { storedObject } from "../../../../src/adapter-kit/stored-json.js";
import { MIGRATIONS_SPACE } from "../../../../src/migrations/migrations-space.js";
import { BUILD_SPACES, PROJECTION_SPACES, readModelTablesOf } from "../../../../src/projections/read-model-tables.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { type ApplicationSchema, NOTHING, readApplicationSchema, without } from "./application-schema.js";

type Tables = NonNullable<BackupOptions["tables"]>;

/** What a copy has of the application's objects. */
export async function copiedSchema(
  connection: SQLiteConnection,
  tables: Tables,
  location: string,
): Promise<ApplicationSchema> {
  if (tables === "none") return NOTHING;
  const schema = await readApplicationSchema(connection);
  return tables === "all" ? schema : without(schema, await readModelNames(connection, location));
}

const BUILDS = `
  SELECT space, key, value FROM main.es_records WHERE space IN (SELECT value FROM json_each(?1)) ORDER BY space, key`;

/** The tables of all versions of all projections, and the views over them. */
async function readModelNames(connection: SQLiteConnection, location: string): Promise<ReadonlySet<string>> {
  const builds = await connection.all<{ space: string; key: string; value: string }>(BUILDS, [
    JSON.stringify(BUILD_SPACES),
  ]);
  return new Set(
    builds
      .flatMap(({ space, key, value }) =>
        readModelTablesOf(key, storedObject(value, `the record "${key}" of "${space}" in ${location}`)),
      )
      .flatMap(({ table, view }) => [table, view]),
  );
}

const FORGET = `
  DELETE FROM backup.es_records WHERE EXISTS
    (SELECT 1 FROM json_each(?1) AS left WHERE space = left.value OR substr(space, 1, length(left.value) + 1) = left.value || '/')`;

/** Leaves out the records that say what was done with tables that the copy does not have. */
export async function forgetTables(connection: SQLiteConnection, tables: Tables): Promise<void> {
  if (tables === "all") return;
  const spaces = tables === "none" ? [MIGRATIONS_SPACE, ...PROJECTION_SPACES] : PROJECTION_SPACES;
  await connection.run(FORGET, [JSON.stringify(spaces)]);
}
