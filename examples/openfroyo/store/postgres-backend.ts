import { restore } from "async-streams/copy";
import { postgresStreamFactory } from "async-streams/postgres";
import type { PostgresConfig } from "./config.js";
import { readPoolSizeOf } from "./sqlite-backend.js";
import type { StoreBackend, Streams } from "./store-backend.js";

/** A store on a server. */
export class PostgresBackend implements StoreBackend {
  readonly dialect = "postgresql";
  /** A backup is a SQLite file, and has the events. */
  readonly copiedTables = "none";
  readonly #config: PostgresConfig;

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  open(now: () => number): Promise<Streams> {
    const { url, replica, schema, applicationSchema, maxOpenConns, durability } = this.#config;
    const readPoolSize = readPoolSizeOf(maxOpenConns);
    return postgresStreamFactory(url, { now, replica, schema, applicationSchema, readPoolSize, durability });
  }

  /** The store must be empty. `migrate` makes the tables, and fills them with the events. */
  async restore(backupPath: string, now: () => number): Promise<Streams> {
    const streams = await this.open(now);
    await restore(backupPath, streams, { tables: "none" });
    return streams;
  }
}
