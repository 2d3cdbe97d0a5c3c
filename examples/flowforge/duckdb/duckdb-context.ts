import type { DbContext, QueryLimits } from "../ports.js";
import { DERIVED_TABLES } from "../schema/derived-tables.js";
import { SCHEMA, type SchemaStep } from "../schema/migrations.js";
import { RUN_LEASES } from "../schema/run-leases.js";
import { loadDuckDB } from "./duckdb-api.js";
import { DuckDBBlobStore } from "./duckdb-blob-store.js";
import { DuckDBEventStore } from "./duckdb-event-store.js";
import { DuckDBProjectionStore } from "./duckdb-projection-store.js";
import { DuckDBSession } from "./duckdb-session.js";
import { DuckDBWindowQueries } from "./duckdb-window-queries.js";

/** No statement reads or writes other files, or loads an extension. */
const SETTINGS = { enable_external_access: "false", memory_limit: "512MB", lock_configuration: "true" };

/** What SQLite has through async-streams. No window reads tables of that prefix. */
const OWN_STEPS: readonly SchemaStep[] = [
  {
    id: "0007_derived",
    up: DERIVED_TABLES.map(({ name, columns }) => `CREATE TABLE ${name} (${columns});`).join("\n"),
  },
  {
    id: "0008_blobs",
    up: "CREATE TABLE async_streams_blobs (key TEXT PRIMARY KEY, data BLOB NOT NULL, content_type TEXT NOT NULL)",
  },
];

/** The same ports over DuckDB, for analytics. */
export async function createDuckDBContext(path: string, limits: QueryLimits): Promise<DbContext> {
  const api = await loadDuckDB();
  const instance = await api.DuckDBInstance.create(path, SETTINGS);
  const connection = await instance.connect();
  const session = new DuckDBSession(api, connection);
  await migrate(session, [...SCHEMA, ...OWN_STEPS, RUN_LEASES]);
  const windowQueries = new DuckDBWindowQueries(api, await instance.connect(), limits);
  return {
    eventStore: new DuckDBEventStore(session),
    projectionStore: new DuckDBProjectionStore(session),
    tx: { runInTransaction: (fn) => session.transaction(async () => fn()) },
    blobs: new DuckDBBlobStore(session),
    windowQueries,
    async close() {
      await windowQueries.close();
      await session.close();
      instance.closeSync();
    },
  };
}

async function migrate(session: DuckDBSession, steps: readonly SchemaStep[]): Promise<void> {
  await session.transaction(async () => {
    await session.all("CREATE TABLE IF NOT EXISTS async_streams_migrations (id TEXT PRIMARY KEY)");
    const applied = await session.all<{ id: string }>("SELECT id FROM async_streams_migrations");
    for (const { id, up } of steps) {
      if (applied.some((step) => step.id === id)) continue;
      for (const statement of up.split(";")) if (statement.trim() !== "") await session.all(statement);
      await session.all("INSERT INTO async_streams_migrations VALUES (?)", [id]);
    }
  });
}
