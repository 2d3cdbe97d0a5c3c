/** What happened when workflows ran. */
export const EXECUTION = {
  id: "0005_execution",
  up: `
    CREATE TABLE runs (
      id TEXT NOT NULL PRIMARY KEY, workflow_version_id TEXT NOT NULL, trigger TEXT NOT NULL, status TEXT NOT NULL,
      input_manifest_json TEXT, started_at TEXT, finished_at TEXT, created_at TEXT
    );
    CREATE TABLE run_steps (
      id TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, node_id TEXT NOT NULL, status TEXT NOT NULL, stats_json TEXT,
      started_at TEXT, finished_at TEXT
    );
    CREATE TABLE run_logs (
      id TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, run_step_id TEXT,
      level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
      message TEXT NOT NULL, meta_json TEXT, ts TEXT
    );
    CREATE TABLE artifacts (
      id TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, node_id TEXT, kind TEXT NOT NULL, uri TEXT, format TEXT,
      schema_json TEXT, rows INTEGER, stats_json TEXT, created_at TEXT
    );
    CREATE TABLE lineage (
      id TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, from_artifact_id TEXT NOT NULL, to_artifact_id TEXT NOT NULL,
      edge_json TEXT, created_at TEXT
    );
    CREATE TABLE request_executions (
      id TEXT NOT NULL PRIMARY KEY, run_step_id TEXT NOT NULL, template_id TEXT, request_json TEXT NOT NULL, response_json TEXT,
      status_code INTEGER, duration_ms INTEGER, ts TEXT
    );
  `,
};
