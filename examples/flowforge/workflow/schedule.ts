import type { DbContext } from "../ports.js";
import { versionIdOf, type Workflow } from "./graph.js";
import { runWorkflow } from "./run-workflow.js";

/** A schedule that starts a workflow. Whoever watches the clock calls `runScheduled` for each time that has come. */
export interface Schedule {
  readonly id: string;
  readonly workflow: Workflow;
  readonly cron: string;
}

export async function addSchedule({ projectionStore }: DbContext, { id, workflow, cron }: Schedule): Promise<void> {
  const row = { id, workflow_id: workflow.id, cron, enabled: true, created_at: new Date().toISOString() };
  await projectionStore.upsert({ table: "schedules", rows: [row] });
}

/**
 * Runs a workflow for one time of its schedule: once, whoever calls it how often. `resumeRuns` goes on with it after a crash.
 *
 * @returns the id of the run, or null when it has begun before
 */
export async function runScheduled(db: DbContext, schedule: Schedule, scheduledAt: Date): Promise<string | null> {
  const { id, workflow } = schedule;
  const at = scheduledAt.toISOString();
  const runId = await runWorkflow(db, workflow, {
    trigger: id,
    idempotencyKey: `${id}/${versionIdOf(workflow)}/${at}`,
  });
  // Whoever comes late with an earlier time does not take it back.
  const sql = "UPDATE schedules SET last_scheduled_at = ? WHERE id = ? AND coalesce(last_scheduled_at, '') < ?";
  await db.projectionStore.query({ sql, params: [at, id, at] });
  return runId;
}
