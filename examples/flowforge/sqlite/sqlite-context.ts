import { type SQLiteStreamFactory, sqliteStreamFactory } from "async-streams";
import { migrate } from "async-streams/migrations";
import { type ProjectionRunner, runProjections } from "async-streams/projections";
import { assertNoRestore } from "../../restore-backup/restore-backup.js";
import type { DbContext, QueryLimits } from "../ports.js";
import { APPEND_ONLY, INDEXES, NO_REPLACE, SCHEMA } from "../schema/migrations.js";
import { RUN_LEASES } from "../schema/run-leases.js";
import { derivedProjections } from "./derived-projections.js";
import { QueryProcess } from "./query-process-client.js";
import { SameProcessQueries } from "./same-process-queries.js";
import { SQLiteBlobStore } from "./sqlite-blob-store.js";
import { SQLiteEventStore } from "./sqlite-event-store.js";
import { SQLiteProjectionStore } from "./sqlite-projection-store.js";
import { SQLiteSession } from "./sqlite-session.js";

const IN_MEMORY = ":memory:";

/** The database in SQLite. It has the store of async-streams too, for what goes beyond the ports. */
export interface SQLiteContext extends DbContext {
  readonly streams: SQLiteStreamFactory;
}

export async function createSQLiteContext(path: string, limits: QueryLimits): Promise<SQLiteContext> {
  await assertNoRestore(path);
  const streams = await sqliteStreamFactory(path);
  let projections: ProjectionRunner;
  try {
    await migrate(streams, [...SCHEMA, INDEXES, APPEND_ONLY, NO_REPLACE, RUN_LEASES]);
    projections = await runProjections(streams, derivedProjections(), { mode: "inline" });
  } catch (error) {
    await streams[Symbol.asyncDispose]();
    throw error;
  }
  const session = new SQLiteSession(streams);
  // Another process cannot see a database in memory.
  const windowQueries = path === IN_MEMORY ? new SameProcessQueries(streams, limits) : new QueryProcess(path, limits);
  return {
    eventStore: new SQLiteEventStore(session),
    projectionStore: new SQLiteProjectionStore(session),
    tx: { runInTransaction: (fn) => session.transaction(async () => fn()) },
    blobs: new SQLiteBlobStore(session),
    windowQueries,
    streams,
    async close() {
      await windowQueries.close();
      await projections[Symbol.asyncDispose]();
      await streams[Symbol.asyncDispose]();
    },
  };
}
