import type { StoreConfig } from "./config.js";
import { PostgresBackend } from "./postgres-backend.js";
import { SqliteStore } from "./sqlite-store.js";
import { Store } from "./store.js";

/** The store that a configuration describes: with a `url` the profile "cluster", otherwise "solo". */
export function createStore(config: StoreConfig): Store {
  return "url" in config ? new Store(new PostgresBackend(config), config) : new SqliteStore(config);
}
