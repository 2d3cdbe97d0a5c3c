import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type BackupOptions, type BackupReport, sqliteStreamFactory } from "async-streams";
import { assertNoRestore, restoreBackup } from "../../restore-backup/restore-backup.js";
import { checkObject } from "./check-object.js";
import type { SqliteConfig } from "./config.js";
import type { StoreBackend, Streams } from "./store-backend.js";

const DEFAULT_PATH = "./data/openfroyo.db";
const MAX_READ_CONNECTIONS = 64;

/** A store in one file. */
export class SqliteBackend implements StoreBackend {
  readonly dialect = "sqlite";
  readonly #path: string;
  readonly #readPoolSize: number | undefined;
  readonly #durability: SqliteConfig["durability"];

  constructor(config: SqliteConfig) {
    checkObject("config", config);
    const { path = DEFAULT_PATH, maxOpenConns, durability } = config;
    if (typeof path !== "string" || path === "") throw new TypeError("database path is required");
    this.#path = path;
    this.#readPoolSize = readPoolSizeOf(maxOpenConns);
    this.#durability = durability;
  }

  async open(now: () => number): Promise<Streams> {
    if (this.#path !== ":memory:") await mkdir(dirname(this.#path), { recursive: true });
    await assertNoRestore(this.#path);
    return sqliteStreamFactory(this.#path, { now, readPoolSize: this.#readPoolSize, durability: this.#durability });
  }

  backup(streams: Streams, path: string, options: BackupOptions): Promise<BackupReport> {
    return streams.backup(path, { ...options, tables: "all" });
  }

  /** The former file is then `<path>.former`, with what belongs to it. */
  async restore(backupPath: string, now: () => number): Promise<Streams> {
    await mkdir(dirname(this.#path), { recursive: true });
    await restoreBackup({ path: this.#path, backupPath });
    return this.open(now);
  }
}

/** One connection writes. */
export function readPoolSizeOf(maxOpenConns: number | undefined): number | undefined {
  return maxOpenConns === undefined ? undefined : Math.min(Math.max(maxOpenConns - 1, 1), MAX_READ_CONNECTIONS);
}
