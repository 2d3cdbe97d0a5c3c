import { isLibraryName } from "../../../../src/adapter-kit/library-objects.js";
import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { SQLiteConnection, SQLiteDriver } from "../../drivers/driver.js";
import { indexedField } from "../../indexes/field-index.js";
import { migrate } from "../../open/migrate.js";
import { isDamage } from "../../sqlite-errors.js";
import { applicationTablesOf } from "../application-tables.js";
import type { MaintenanceSession } from "../maintenance-session.js";

const MAX_MESSAGES = 100;

/**
 * Compares the library's tables, indexes and triggers with those of a new store, and lets SQLite check its pages and
 * indexes.
 *
 * @returns how many tables the application has
 */
export async function verifyStructure(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  problems: ProblemList,
): Promise<number> {
  const applicationTables = await verifySchema(session, driver, problems);
  for (const message of await session.step(checkIntegrity)) problems.add({ kind: "structure", detail: message });
  return applicationTables;
}

async function verifySchema(session: MaintenanceSession, driver: SQLiteDriver, problems: ProblemList): Promise<number> {
  const expected = await expectedSchema(driver);
  return problems.reading("read the schema", 0, async () => {
    const found = await session.step(readLibrarySchema);
    for (const [object, { sql }] of expected) {
      const same = found.get(object);
      if (same === undefined) problems.add({ kind: "schema", detail: `${object} is missing` });
      else if (same.sql !== sql) problems.add({ kind: "schema", detail: `${object} is not as the library makes it` });
    }
    for (const [object, { name, tableName, sql }] of found) {
      const detail = `${object} on ${tableName} is not of the library's making`;
      if (!expected.has(object) && indexedField({ name, sql }) === null) problems.add({ kind: "schema", detail });
    }
    return (await session.step(applicationTablesOf)).length;
  });
}

type LibrarySchema = ReadonlyMap<string, SchemaObject>;

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  /** For an index or a trigger the table that it is on, otherwise its own name. */
  readonly tableName: string;
  readonly sql: string | null;
}

async function expectedSchema(driver: SQLiteDriver): Promise<LibrarySchema> {
  const connection = await driver.open(":memory:", "create");
  try {
    await migrate(connection, ":memory:");
    return await readLibrarySchema(connection);
  } finally {
    await connection.close();
  }
}

/** The objects with a name of the library's, or on one of its tables. */
async function readLibrarySchema(connection: SQLiteConnection): Promise<LibrarySchema> {
  const sql = "SELECT type, name, tbl_name AS tableName, sql FROM sqlite_schema";
  const objects = (await connection.all<SchemaObject>(sql)).filter(
    ({ name, tableName }) => isLibraryName(name) || isLibraryName(tableName),
  );
  return new Map(objects.map((object) => [`${object.type} ${object.name}`, object]));
}

async function checkIntegrity(connection: SQLiteConnection): Promise<readonly string[]> {
  try {
    const rows = await connection.all<{ integrity_check: string }>(`PRAGMA integrity_check(${MAX_MESSAGES})`);
    return rows.map((row) => row.integrity_check).filter((message) => message !== "ok");
  } catch (error) {
    if (isDamage(error)) return [String(error)];
    throw error;
  }
}
