import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StoreSchemas } from "../../support/postgres-stores.js";

/** Where a store is that several processes open: a file, or schemas of a server's database. */
export type StoreAddress = { readonly path: string } | ({ readonly url: string } & StoreSchemas);

/**
 * Opens a store of either kind.
 *
 * @param options - of a store in a file
 */
export function openStoreAt(address: StoreAddress, options: SQLiteOptions = {}) {
  if ("path" in address) return sqliteStreamFactory(address.path, options);
  const { url, ...schemas } = address;
  return postgresStreamFactory(url, schemas);
}

/** A store of either kind. */
export type EitherStore = Awaited<ReturnType<typeof openStoreAt>>;
