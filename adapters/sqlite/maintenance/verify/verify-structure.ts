import type { SQLiteConnection, SQLiteDriver } from "../../drivers/driver.js";
import { migrate } from "../../open/migrate.js";
import { isDamage } from "../../sqlite-errors.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import type { ProblemList } from "./problem-list.js";

const MAX_MESSAGES = 100;

/** Compares tables, indexes and triggers with those of a new store, and lets SQLite check its pages and indexes. */
export async function verifyStructure(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  problems: ProblemList,
): Promise<void> {
  await verifySchema(session, driver, problems);
  for (const message of await session.step(checkIntegrity)) problems.add({ kind: "structure", detail: message });
}

async function verifySchema(session: MaintenanceSession, driver: SQLiteDriver, problems: ProblemList): Promise<void> {
  const expected = await expectedSchema(driver);
  try {
    const found = await session.step(readSchema);
    for (const [name, sql] of expected) {
      if (!found.has(name)) problems.add({ kind: "schema", detail: `${name} is missing` });
      else if (found.get(name) !== sql)
        problems.add({ kind: "schema", detail: `${name} is not as the library makes it` });
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    problems.add({ kind: "unreadable", detail: `SQLite cannot read the schema: ${String(error)}` });
  }
}

async function expectedSchema(driver: SQLiteDriver): Promise<Map<string, string | null>> {
  const connection = await driver.open(":memory:", "create");
  try {
    await migrate(connection, ":memory:");
    return await readSchema(connection);
  } finally {
    await connection.close();
  }
}

async function readSchema(connection: SQLiteConnection): Promise<Map<string, string | null>> {
  const sql = "SELECT type || ' ' || name AS name, sql FROM sqlite_schema";
  const rows = await connection.all<{ name: string; sql: string | null }>(sql);
  return new Map(rows.map(({ name, sql: statement }) => [name, statement]));
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
