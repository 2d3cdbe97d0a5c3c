import type { Migration } from "async-streams/migrations";

/**
 * The application's own tables, one step a version. A step is never changed once it has been released. Events, snapshots and
 * metadata are not among them: those are tables of the store, and of the projection `metadata`.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: "0001_base_schema",
    up: `
      CREATE TABLE sessions (
        session_id  TEXT PRIMARY KEY,
        document_id TEXT NOT NULL,
        user_id     TEXT NOT NULL DEFAULT 'local-user',
        started_at  INTEGER NOT NULL
      ) STRICT;`,
  },
  {
    id: "0002_session_end",
    up: `
      ALTER TABLE sessions ADD COLUMN ended_at INTEGER;
      CREATE INDEX sessions_by_document ON sessions (document_id, started_at);`,
  },
];
