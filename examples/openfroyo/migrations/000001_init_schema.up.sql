-- Times are ISO 8601 in UTC, and JSON is text: both databases keep them as they are. `position` is a place in the event store.
CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY,
  plan_path TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
  started_at TEXT NOT NULL,
  completed_at TEXT,
  error TEXT,
  metadata TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  position BIGINT NOT NULL
);
CREATE INDEX idx_runs_status ON runs (status);
CREATE INDEX idx_runs_started_at ON runs (started_at DESC);
CREATE INDEX idx_runs_created_at ON runs (created_at DESC);

CREATE TABLE plan_units (
  id TEXT NOT NULL PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  resource_type TEXT NOT NULL,
  resource_name TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('create', 'update', 'delete', 'read')),
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
  dependencies TEXT NOT NULL,
  desired_state TEXT NOT NULL,
  actual_state TEXT,
  diff TEXT,
  started_at TEXT,
  completed_at TEXT,
  error TEXT,
  retries BIGINT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  position BIGINT NOT NULL
);
CREATE INDEX idx_plan_units_run_id ON plan_units (run_id);
CREATE INDEX idx_plan_units_status ON plan_units (status);
CREATE INDEX idx_plan_units_resource ON plan_units (resource_type, resource_name);

CREATE TABLE events (
  id BIGINT PRIMARY KEY,
  run_id TEXT REFERENCES runs (id) ON DELETE CASCADE,
  plan_unit_id TEXT REFERENCES plan_units (id) ON DELETE CASCADE,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')),
  message TEXT NOT NULL,
  details TEXT,
  timestamp TEXT NOT NULL
);
CREATE INDEX idx_events_run_id ON events (run_id);
CREATE INDEX idx_events_plan_unit_id ON events (plan_unit_id);
CREATE INDEX idx_events_level ON events (level);
CREATE INDEX idx_events_timestamp ON events (timestamp DESC);

CREATE TABLE resource_state (
  id TEXT NOT NULL PRIMARY KEY,
  resource_type TEXT NOT NULL,
  resource_name TEXT NOT NULL,
  state TEXT NOT NULL,
  hash TEXT NOT NULL,
  last_run_id TEXT REFERENCES runs (id) ON DELETE RESTRICT,
  last_applied TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (resource_type, resource_name)
);
CREATE INDEX idx_resource_state_type_name ON resource_state (resource_type, resource_name);
CREATE INDEX idx_resource_state_hash ON resource_state (hash);
CREATE INDEX idx_resource_state_last_run_id ON resource_state (last_run_id);
CREATE INDEX idx_resource_state_last_applied ON resource_state (last_applied DESC);

CREATE TABLE facts (
  id TEXT NOT NULL PRIMARY KEY,
  target_id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  ttl BIGINT NOT NULL,
  expires_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (target_id, namespace, key)
);
CREATE INDEX idx_facts_target_id ON facts (target_id);
CREATE INDEX idx_facts_namespace ON facts (namespace);
CREATE INDEX idx_facts_expires_at ON facts (expires_at);
CREATE INDEX idx_facts_target_namespace ON facts (target_id, namespace);

CREATE TABLE audit (
  id BIGINT PRIMARY KEY,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  target_id TEXT,
  details TEXT,
  ip_address TEXT,
  timestamp TEXT NOT NULL
);
CREATE INDEX idx_audit_action ON audit (action);
CREATE INDEX idx_audit_actor ON audit (actor);
CREATE INDEX idx_audit_target_id ON audit (target_id);
CREATE INDEX idx_audit_timestamp ON audit (timestamp DESC);

-- How far these tables have been filled from the events after they were made.
CREATE TABLE filling (
  position BIGINT NOT NULL,
  is_complete BIGINT NOT NULL
);
INSERT INTO filling VALUES (0, 0);
