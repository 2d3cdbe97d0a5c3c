import { test } from "vitest";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { StoreAddress } from "./store-address.js";

/** A kind of store. */
export interface Backend {
  readonly name: "SQLite" | "PostgreSQL";
  /** Where a new store may be; what is there goes with it. */
  createAddress(): Promise<{ readonly address: StoreAddress } & AsyncDisposable>;
}

const server = sharedServer();

const SQLITE: Backend = {
  name: "SQLite",
  async createAddress() {
    const folder = await createTempDir();
    return { address: { path: folder.file("store.db") }, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  },
};

const POSTGRES: Backend = {
  name: "PostgreSQL",
  async createAddress() {
    const started = await server();
    const schemas = ownSchemas();
    const drop = `DROP SCHEMA IF EXISTS ${schemas.schema}, ${schemas.applicationSchema} CASCADE`;
    return {
      address: { url: started.url(), ...schemas },
      [Symbol.asyncDispose]: async () => void (await started.query(drop)),
    };
  },
};

/** The kinds of stores that can be tried here. Says in a line where one is missing. */
export function backendsHere(): readonly Backend[] {
  if (NO_POSTGRES === null) return [SQLITE, POSTGRES];
  test(NO_POSTGRES, () => undefined);
  return [SQLITE];
}
