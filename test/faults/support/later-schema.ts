import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { MIGRATIONS } from "../../../adapters/sqlite/open/schema.js";

/** The schema of a later version, as one may come: it widens a table, fills a new one, and makes indexes. */
export const LATER_STEPS: readonly string[] = [
  ...MIGRATIONS,
  `
  ALTER TABLE es_events ADD COLUMN tenant TEXT NOT NULL DEFAULT 'none';
  CREATE INDEX es_events_by_tenant ON es_events (tenant, position);
  `,
  `
  CREATE TABLE es_copies (position INTEGER PRIMARY KEY, data ANY NOT NULL) STRICT;
  INSERT INTO es_copies SELECT position, data FROM es_events;
  CREATE INDEX es_copies_by_data ON es_copies (data);
  DROP TRIGGER es_events_are_never_changed;
  CREATE TRIGGER es_events_are_never_changed BEFORE UPDATE ON es_events
  BEGIN SELECT raise(ABORT, 'events are still append-only'); END;
  `,
];

/** What a store says of its schema. */
export interface SchemaState {
  readonly version: number;
  /** Everything that the schema has, as SQL. */
  readonly objects: readonly string[];
  /** How many events the table that came later has; null without it. */
  readonly copies: number | null;
}

export async function readSchemaState(connection: SQLiteConnection): Promise<SchemaState> {
  const [row] = await connection.all<{ user_version: number }>("PRAGMA user_version");
  const objects = await connection.all<{ object: string }>(
    "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS object FROM sqlite_schema ORDER BY 1",
  );
  const hasCopies = objects.some(({ object }) => object.startsWith("table es_copies "));
  const [counted] = hasCopies
    ? await connection.all<{ copies: number }>("SELECT count(*) AS copies FROM es_copies")
    : [];
  const copies = counted?.copies ?? null;
  return { version: row?.user_version ?? 0, objects: objects.map(({ object }) => object), copies };
}
