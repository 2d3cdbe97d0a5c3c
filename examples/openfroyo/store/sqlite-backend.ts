import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import type { SqliteConfig } from "./config.js";
import type { StoreBackend, Streams } from "./store-backend.js";

const DEFAULT_PATH = "./data/openfroyo.db";
const MAX_READ_CONNECTIONS = 64;

/** A store in one file. */
export class SqliteBackend implements StoreBackend {
  readonly dialect = "sqlite";
  readonly copiedTables = "all";
  readonly #path: string;
  readonly #readPoolSize: number | undefined;
  readonly #durability: SqliteConfig["durability"];

  constructor({ path = DEFAULT_PATH, maxOpenConns, durability }: SqliteConfig) {
    if (path === "") throw new TypeError("database path is required");
    this.#path = path;
    this.#readPoolSize = readPoolSizeOf(maxOpenConns);
    this.#durability = durability;
  }

  async open(now: () => number): Promise<Streams> {
    if (this.#path !== ":memory:") await mkdir(dirname(this.#path), { recursive: true });
    return sqliteStreamFactory(this.#path, { now, readPoolSize: this.#readPoolSize, durability: this.#durability });
  }

  /** The log and the record of the former file belong to it alone, and must not be applied to another. */
  async restore(backupPath: string, now: () => number): Promise<Streams> {
    await mkdir(dirname(this.#path), { recursive: true });
    const copy = `${this.#path}.restored`;
    await copyFile(backupPath, copy);
    for (const ending of ["-wal", "-shm", "-head"]) await rm(`${this.#path}${ending}`, { force: true });
    await rename(copy, this.#path);
    return this.open(now);
  }
}

/** One connection writes. */
export function readPoolSizeOf(maxOpenConns: number | undefined): number | undefined {
  return maxOpenConns === undefined ? undefined : Math.min(Math.max(maxOpenConns - 1, 1), MAX_READ_CONNECTIONS);
}
