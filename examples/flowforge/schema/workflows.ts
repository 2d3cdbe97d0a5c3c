/** Workflows: versions of a graph of nodes and edges. */
export const WORKFLOWS = {
  id: "0003_workflows",
  up: `
    CREATE TABLE workflows (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, description TEXT, created_at TEXT);
    CREATE TABLE workflow_versions (
      id TEXT NOT NULL PRIMARY KEY, workflow_id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
      created_at TEXT, activated_at TEXT,
      UNIQUE (workflow_id, version)
    );
    CREATE TABLE nodes (
      id TEXT NOT NULL PRIMARY KEY, workflow_version_id TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('source', 'transform', 'join', 'rule', 'http', 'branch', 'sink')),
      name TEXT NOT NULL, spec_json TEXT NOT NULL, created_at TEXT
    );
    CREATE TABLE edges (
      id TEXT NOT NULL PRIMARY KEY, workflow_version_id TEXT NOT NULL, from_node_id TEXT NOT NULL, to_node_id TEXT NOT NULL,
      condition_json TEXT, created_at TEXT
    );
  `,
};
