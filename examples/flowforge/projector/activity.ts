import { sql } from "async-streams";
import type { MemoryProjection, Projection } from "async-streams/projections";

/** How many events of each type there are, as a table. */
export const ACTIVITY: Projection = {
  name: "activity",
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("activity")} (event_type TEXT PRIMARY KEY, total INTEGER NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    const counts = new Map<string, number>();
    for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
    for (const [type, count] of counts) {
      await db.run(sql`
        INSERT INTO ${table("activity")} AS activity VALUES (${type}, ${count})
        ON CONFLICT (event_type) DO UPDATE SET total = activity.total + excluded.total`);
    }
  },
};

/** What windows are shown while it changes. */
export interface Totals {
  readonly total: number;
  readonly position: number;
}

export const TOTALS: MemoryProjection<Totals, { type: string; data: unknown }> = {
  name: "totals",
  snapshotEvery: 50_000,
  initial: () => ({ total: 0, position: 0 }),
  evolve: ({ total }, { position }) => ({ total: total + 1, position }),
};
