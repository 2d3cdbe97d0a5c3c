import type { SQLiteConnection, SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";

/** Looks at a store from beside it, with a connection of its own and SQL of its own. */
export class StoreWatchdog implements AsyncDisposable {
  readonly #connection: SQLiteConnection;
  readonly #schema: string;
  readonly #prototypeKeys: string;

  private constructor(connection: SQLiteConnection, schema: string) {
    this.#connection = connection;
    this.#schema = schema;
    this.#prototypeKeys = keysOfPrototypes();
  }

  /** Over the driver that the rest of this process uses for the file. */
  static async open(path: string, driver: SQLiteDriver): Promise<StoreWatchdog> {
    const connection = await driver.open(path, "readonly");
    return new StoreWatchdog(connection, await schemaOf(connection));
  }

  /** How many events there are, and how many of them in one stream. */
  async count(streamId: string): Promise<{ readonly all: number; readonly inStream: number }> {
    const sql = `
      SELECT (SELECT count(*) FROM es_events) AS "all", (SELECT count(*) FROM es_events
        WHERE stream = (SELECT id FROM es_streams WHERE CAST(name AS BLOB) = CAST(?1 AS BLOB))) AS inStream`;
    const [row] = await this.#connection.all<{ all: number; inStream: number }>(sql, [streamId]);
    return row as { all: number; inStream: number };
  }

  /** What is not as it was when the watchdog came: the schema, the file's soundness, what all objects inherit. */
  async findings(): Promise<string[]> {
    const [integrity] = await this.#connection.all<{ integrity_check: string }>("PRAGMA integrity_check");
    const findings: string[] = [];
    if ((await schemaOf(this.#connection)) !== this.#schema) findings.push("the schema has changed");
    if (integrity?.integrity_check !== "ok") findings.push(`integrity: ${integrity?.integrity_check}`);
    if (keysOfPrototypes() !== this.#prototypeKeys) findings.push("a prototype has changed");
    return findings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

async function schemaOf(connection: SQLiteConnection): Promise<string> {
  const objects = await connection.all("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name");
  const settings = await connection.all("SELECT * FROM pragma_user_version, pragma_application_id");
  return JSON.stringify([objects, settings]);
}

function keysOfPrototypes(): string {
  const prototypes = [Object.prototype, Array.prototype, String.prototype, Function.prototype];
  return JSON.stringify(prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String)));
}
