import { isLibraryName } from "../../../src/adapter-kit/library-objects.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** A table that the application made. */
export interface ApplicationTable {
  readonly name: string;
  readonly type: "table" | "virtual";
}

const TABLES = `
  SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') ORDER BY name`;

/** The application's tables. Those in which a virtual table keeps its content are not among them. */
export async function applicationTablesOf(connection: SQLiteConnection): Promise<readonly ApplicationTable[]> {
  const tables = await connection.all<ApplicationTable>(TABLES);
  return tables.filter(({ name }) => !isLibraryName(name) && !name.toLowerCase().startsWith("sqlite_"));
}
