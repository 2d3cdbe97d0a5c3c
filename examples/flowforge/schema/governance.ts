/** When workflows run, what has run already, and who may do what. */
export const GOVERNANCE = {
  id: "0006_governance",
  up: `
    CREATE TABLE schedules (
      id TEXT NOT NULL PRIMARY KEY, workflow_id TEXT NOT NULL, cron TEXT NOT NULL, enabled INTEGER NOT NULL,
      last_scheduled_at TEXT, created_at TEXT
    );
    CREATE TABLE idempotency_keys (key TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, first_seen_at TEXT);
    CREATE TABLE principals (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT);
    CREATE TABLE permissions (
      id TEXT NOT NULL PRIMARY KEY, principal_id TEXT NOT NULL, resource TEXT NOT NULL,
      action TEXT NOT NULL CHECK (action IN ('read', 'write', 'execute', 'admin')),
      created_at TEXT
    );
  `,
};
