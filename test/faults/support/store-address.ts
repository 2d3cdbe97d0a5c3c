import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StoreSchemas } from "../../support/postgres-stores.js";

/** Where a store is that several processes open: a file, or schemas of a server's database. */
export type StoreAddress = { readonly path: string } | ({ readonly url: string } & StoreSchemas);

/** Opens a store of either kind. */
export function openStoreAt(address: StoreAddress) {
  if ("path" in address) return sqliteStreamFactory(address.path);
  const { url, ...schemas } = address;
  return postgresStreamFactory(url, schemas);
}

/** A store of either kind. */
export type EitherStore = Awaited<ReturnType<typeof openStoreAt>>;
