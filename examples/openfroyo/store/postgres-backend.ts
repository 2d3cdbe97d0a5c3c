import { inspect } from "node:util";
import { type BackupOptions, type BackupReport, sqliteStreamFactory } from "async-streams";
import { restore } from "async-streams/copy";
import { postgresStreamFactory } from "async-streams/postgres";
import type { PostgresConfig } from "./config.js";
import { copyFacts, copyFiles, hasFacts } from "./copy-without-events.js";
import { migrateDown, migrateUp, readMigrations } from "./migrations.js";
import { readPoolSizeOf } from "./sqlite-backend.js";
import type { StoreBackend, Streams } from "./store-backend.js";
import { withWorkingCopy } from "./working-copy.js";

/** A store on a server. */
export class PostgresBackend implements StoreBackend {
  readonly dialect = "postgresql";
  readonly #config: PostgresConfig;

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  open(now: () => number): Promise<Streams> {
    const { url, replica, schema, applicationSchema, maxOpenConns, durability } = this.#config;
    const readPoolSize = readPoolSizeOf(maxOpenConns);
    return postgresStreamFactory(url, { now, replica, schema, applicationSchema, readPoolSize, durability });
  }

  /** The library copies the events into a file. There they make the tables again, and the rest is copied beside them. */
  async backup(streams: Streams, path: string, { signal, onProgress }: BackupOptions): Promise<BackupReport> {
    if (typeof path !== "string" || path === "") {
      throw new TypeError(`path must be that of a new file, got ${inspect(path)}`);
    }
    return withWorkingCopy(path, async (events) => {
      await streams.backup(events, { tables: "none", signal, onProgress });
      await using copy = await sqliteStreamFactory(events, { durability: "normal", mode: "existing" });
      await migrateUp(copy, await readMigrations("sqlite", this.#config.migrations));
      await copyFacts(streams, copy, signal);
      if (this.#config.artifacts === undefined) await copyFiles(streams, copy, signal);
      return await copy.backup(path, { signal });
    });
  }

  /** The store must have no events. Tables that it has are made anew. */
  async restore(backupPath: string, now: () => number): Promise<Streams> {
    const streams = await this.open(now);
    try {
      await restore(backupPath, streams, { tables: "none" });
      const migrations = await readMigrations(this.dialect, this.#config.migrations);
      await migrateDown(streams, migrations, null);
      await migrateUp(streams, migrations);
      await using backup = await sqliteStreamFactory(backupPath, { mode: "readonly" });
      if (await hasFacts(backup)) await copyFacts(backup, streams);
      await copyFiles(backup, this.#config.artifacts ?? streams);
      return streams;
    } catch (error) {
      await streams[Symbol.asyncDispose]();
      throw error;
    }
  }
}
