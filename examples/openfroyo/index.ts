export type { PostgresConfig, SqliteConfig, StoreConfig } from "./store/config.js";
export { createStore } from "./store/create-store.js";
export type * from "./store/model.js";
export { SqliteStore } from "./store/sqlite-store.js";
export type { Store, StoreTransaction } from "./store/store.js";
