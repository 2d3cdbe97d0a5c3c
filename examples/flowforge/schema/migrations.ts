import { CATALOG } from "./catalog.js";
import { COMPONENTS } from "./components.js";
import { EVENT_STORE } from "./event-store.js";
import { EXECUTION } from "./execution.js";
import { GOVERNANCE } from "./governance.js";
import { WORKFLOWS } from "./workflows.js";

/** A step that both databases understand. */
export interface SchemaStep {
  readonly id: string;
  readonly up: string;
}

/** The tables of the seed's groups, but for `datasets` and `joins`, which are projections. */
export const SCHEMA: readonly SchemaStep[] = [EVENT_STORE, CATALOG, WORKFLOWS, COMPONENTS, EXECUTION, GOVERNANCE];

/** Indexes of what is asked for often. DuckDB needs none: it reads columns. */
export const INDEXES: SchemaStep = {
  id: "0100_indexes",
  up: `
    CREATE INDEX events_by_transaction ON events (tx_id);
    CREATE INDEX events_by_time ON events (created_at);
    CREATE INDEX runs_by_version ON runs (workflow_version_id);
    CREATE INDEX runs_by_status ON runs (status);
    CREATE INDEX run_steps_by_run ON run_steps (run_id);
    CREATE INDEX run_logs_by_run ON run_logs (run_id, level);
    CREATE INDEX artifacts_by_run ON artifacts (run_id);
    CREATE INDEX lineage_by_target ON lineage (to_artifact_id);
    CREATE INDEX request_executions_by_step ON request_executions (run_step_id);
  `,
};

/** Keeps the log as it is. DuckDB has no triggers. */
export const APPEND_ONLY: SchemaStep = {
  id: "0101_append_only",
  up: `
    CREATE TRIGGER events_unchanged BEFORE UPDATE ON events BEGIN
      SELECT RAISE(ABORT, 'events are append-only');
    END;
    CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN
      SELECT RAISE(ABORT, 'events are append-only');
    END;
  `,
};

/** REPLACE deletes the row in its way without a trigger, unless the program has turned on recursive triggers. */
export const NO_REPLACE: SchemaStep = {
  id: "0102_no_replace",
  up: `
    CREATE TRIGGER events_not_replaced BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE aggregate_id = NEW.aggregate_id AND seq = NEW.seq) BEGIN
      SELECT RAISE(ABORT, 'events are append-only');
    END;
  `,
};

/** The tables that a window may write: all but the log, and what is derived from it. */
export const WINDOW_TABLES: ReadonlySet<string> = new Set([
  ...["schemas", "data_sources", "auth_profiles", "endpoints"],
  ...["workflows", "workflow_versions", "nodes", "edges"],
  ...["operators", "rule_sets", "request_templates"],
  ...["runs", "run_steps", "run_logs", "artifacts", "lineage", "request_executions"],
  ...["schedules", "idempotency_keys", "principals", "permissions"],
]);
