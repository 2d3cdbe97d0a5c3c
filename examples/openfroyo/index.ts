export type { SqliteConfig } from "./store/config.js";
export type * from "./store/model.js";
export { SqliteStore } from "./store/sqlite-store.js";
export type { StoreTransaction } from "./store/store.js";
