import { isLibraryName } from "../../../../src/adapter-kit/library-objects.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { indexedField } from "../../indexes/field-index.js";

/** A table, index, view or trigger of the application, and the statement that makes it. */
export interface SchemaObject {
  readonly type: "table" | "index" | "view" | "trigger";
  readonly name: string;
  /** The table, or view, that it is on. */
  readonly tableName: string;
  readonly sql: string;
}

/** The application's objects in a store, in the order in which they are copied. */
export interface ApplicationSchema {
  /** Tables with rows of their own. Those in which virtual tables keep their content are among them. */
  readonly tables: readonly SchemaObject[];
  readonly virtualTables: readonly SchemaObject[];
  readonly indexes: readonly SchemaObject[];
  readonly views: readonly SchemaObject[];
  readonly triggers: readonly SchemaObject[];
}

export const NOTHING: ApplicationSchema = { tables: [], virtualTables: [], indexes: [], views: [], triggers: [] };

const OBJECTS = `
  SELECT type, name, tbl_name AS tableName, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`;

export async function readApplicationSchema(connection: SQLiteConnection): Promise<ApplicationSchema> {
  const found = await connection.all<SchemaObject>(OBJECTS);
  const objects = found.filter(({ name, tableName }) => !isLibraryName(name) && !isLibraryName(tableName));
  const ofType = (type: SchemaObject["type"]) => objects.filter((object) => object.type === type);
  const tables = ofType("table");
  return {
    tables: tables.filter((table) => !isVirtual(table)),
    virtualTables: tables.filter(isVirtual),
    indexes: ofType("index"),
    views: ofType("view"),
    triggers: ofType("trigger"),
  };
}

// SQLite keeps the statement with its first words in this form.
function isVirtual({ sql }: SchemaObject): boolean {
  return sql.startsWith("CREATE VIRTUAL TABLE");
}

/** Leaves out tables and views by their names, with what is on them. */
export function without(schema: ApplicationSchema, names: ReadonlySet<string>): ApplicationSchema {
  const isKept = ({ name, tableName }: SchemaObject): boolean => !names.has(name) && !names.has(tableName);
  return {
    tables: schema.tables.filter(isKept),
    virtualTables: schema.virtualTables.filter(isKept),
    indexes: schema.indexes.filter(isKept),
    views: schema.views.filter(isKept),
    triggers: schema.triggers.filter(isKept),
  };
}

/** The indexes of filter fields, which the copy has too. */
export async function readFieldIndexes(connection: SQLiteConnection): Promise<readonly SchemaObject[]> {
  const found = await connection.all<SchemaObject>(OBJECTS);
  return found.filter((object) => object.type === "index" && indexedField(object) !== null);
}
