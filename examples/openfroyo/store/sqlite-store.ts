import type { SqliteConfig } from "./config.js";
import { SqliteBackend } from "./sqlite-backend.js";
import { Store } from "./store.js";

/**
 * The profile "solo": everything in one file.
 *
 * @example
 * ```ts
 * const store = new SqliteStore({ path: "./data/openfroyo.db" });
 * await store.init();
 * await store.migrate();
 * await store.createRun({ id: "run-001", planPath: "/plans/deploy-apache.json" });
 * ```
 */
export class SqliteStore extends Store {
  constructor(config: SqliteConfig = {}) {
    super(new SqliteBackend(config), config);
  }
}
