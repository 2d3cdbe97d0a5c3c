import { StorageError } from "../../../../protocols/index.js";
import { isLibraryName } from "../../../../src/adapter-kit/library-objects.js";
import type { SQLiteConnection, SQLiteDriver } from "../../drivers/driver.js";
import { migrate } from "../../open/migrate.js";
import type { ApplicationSchema, SchemaObject } from "./application-schema.js";
import { copyingObject } from "./copied-object.js";
import { quoted } from "./copy-rows.js";

/** The settings that a database is created with and cannot change later. */
export interface DatabaseFormat {
  readonly encoding: string;
  readonly pageSize: number;
}

const FORMAT = `
  SELECT (SELECT encoding FROM pragma_encoding) AS encoding, (SELECT page_size FROM pragma_page_size) AS pageSize`;

export async function readFormat(connection: SQLiteConnection): Promise<DatabaseFormat> {
  const [format] = await connection.all<DatabaseFormat>(FORMAT);
  return format as DatabaseFormat;
}

/**
 * The schema of a copy that is being made, over a connection of its own: SQL that makes a table, a view or a trigger does
 * not say in which database, and so cannot be run for an attached one.
 *
 * Tables are there before the rows. What would act on the rows, or would have to be kept up to date, comes after them.
 */
export class StoreCopy {
  readonly #connection: SQLiteConnection;
  #triggers: readonly string[] = [];

  private constructor(connection: SQLiteConnection) {
    this.#connection = connection;
  }

  /** Makes a store without a row, and without triggers. */
  static async create(driver: SQLiteDriver, path: string, format: DatabaseFormat): Promise<StoreCopy> {
    const copy = new StoreCopy(await driver.open(path, "create"));
    try {
      await copy.#makeStore(path, format);
      return copy;
    } catch (error) {
      await copy.close();
      throw error;
    }
  }

  // What happens to a file that is thrown away when anything fails needs neither a journal nor syncs.
  async #makeStore(path: string, { encoding, pageSize }: DatabaseFormat): Promise<void> {
    const connection = this.#connection;
    await connection.exec(`PRAGMA encoding = '${encoding}'; PRAGMA page_size = ${pageSize};
      PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF`);
    await migrate(connection, path);
    const sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
    const triggers = await connection.all<{ name: string; sql: string }>(sql);
    for (const { name } of triggers) await connection.exec(`DROP TRIGGER ${quoted(name)}`);
    this.#triggers = triggers.map((trigger) => trigger.sql);
    // Its rows are copied like those of any table.
    await connection.exec("DELETE FROM es_counters");
  }

  /** The library's tables. */
  async libraryTables(): Promise<readonly string[]> {
    const tables = await this.#connection.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
    return tables.map(({ name }) => name).filter(isLibraryName);
  }

  async createTables({ tables }: ApplicationSchema): Promise<void> {
    for (const table of tables) await this.#create(table);
  }

  async createIndexes(indexes: readonly SchemaObject[]): Promise<void> {
    for (const index of indexes) await this.#create(index);
  }

  /** Makes what looks at rows or acts on them. */
  async complete({ virtualTables, views, triggers }: ApplicationSchema): Promise<void> {
    await this.#addVirtualTables(virtualTables);
    for (const object of [...views, ...triggers]) await this.#create(object);
    for (const sql of this.#triggers) await this.#connection.exec(sql);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** As VACUUM does it: the tables in which they keep their content are there, which the module would make anew. */
  async #addVirtualTables(tables: readonly SchemaObject[]): Promise<void> {
    if (tables.length === 0) return;
    const sql = "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, 0, ?2)";
    this.#connection.setDefensive?.(false);
    await this.#connection.exec("PRAGMA writable_schema = ON");
    for (const table of tables) await this.#connection.run(sql, [table.name, table.sql]);
    await this.#connection.exec("PRAGMA writable_schema = RESET");
  }

  // Not by exec, which would run whatever follows the first statement in a schema that was tampered with.
  async #create({ type, name, sql }: SchemaObject): Promise<void> {
    const object = `${type} ${quoted(name)}`;
    if (!BEGINNINGS[type].test(sql)) {
      const message = `Cannot back up the ${object}: SQLite did not write its definition. The database is damaged.`;
      throw new StorageError("STORAGE_CORRUPT", message);
    }
    await copyingObject(object, () => this.#connection.run(sql));
  }
}

const BEGINNINGS: Readonly<Record<SchemaObject["type"], RegExp>> = {
  table: /^CREATE TABLE /,
  index: /^CREATE (UNIQUE )?INDEX /,
  view: /^CREATE VIEW /,
  trigger: /^CREATE TRIGGER /,
};
