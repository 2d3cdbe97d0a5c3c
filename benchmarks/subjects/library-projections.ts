import { type SQLiteOptions, sql, sqliteStreamFactory } from "async-streams";
import { type Projection, runProjections, whenProcessed } from "async-streams/projections";
import type { Durability, ProjectingStore } from "../subject.js";
import type { HandProjection } from "./hand-projection.js";

const TIMEOUT_MS = 600_000;

/** A read model of one upsert for each event: how many events each account has. */
export function countingProjection(name: string): Projection {
  return {
    name,
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table(name)} (id TEXT PRIMARY KEY, changes INTEGER NOT NULL)`);
    },
    async project(events, { sql: db, table }) {
      const counts = table(name);
      for (const { streamId } of events) {
        await db.run(sql`
          INSERT INTO ${counts} VALUES (${streamId}, 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1`);
      }
    },
  };
}

/** Projects with the library, and by hand over the same file and driver. */
export async function projectLibrary(
  path: string,
  options: SQLiteOptions & { readonly durability: Durability },
  byHand: HandProjection,
): Promise<ProjectingStore> {
  const factory = await sqliteStreamFactory(path, options);
  let turn = 0;
  return {
    async project({ events, batchSize }) {
      // A table of its own for each time.
      turn += 1;
      const name = `counts_${turn}`;
      await using _ = await runProjections(factory, [countingProjection(name)], { batchSize });
      await whenProcessed(factory, name, events, { timeoutMs: TIMEOUT_MS });
    },
    projectByHand: (batchSize) => byHand(path, options.durability, batchSize),
    close: () => factory[Symbol.asyncDispose](),
  };
}
