import { randomUUID } from "node:crypto";
import type { DbContext } from "../ports.js";
import { type NodeResult, versionIdOf, type Workflow, type WorkflowNode } from "./graph.js";
import { type RunOptions, RunRecord } from "./run-record.js";

/** @returns the id of the run, or null when one with this key has begun before */
export async function runWorkflow(db: DbContext, workflow: Workflow, options: RunOptions): Promise<string | null> {
  await using record = new RunRecord(db, workflow, `run:${randomUUID()}`);
  if (!(await record.begin(options))) return null;
  await runNodes(record, workflow, async () => new Map());
  return record.runId;
}

/**
 * Goes on with the runs of a workflow that ended with their process. A node whose rows are stored is not run again. Runs of
 * processes that are there are left to them. Call it when the program starts.
 *
 * @returns the ids of the runs that it went on with
 * @throws AggregateError when some of them failed, after the others have run
 */
export async function resumeRuns(db: DbContext, workflow: Workflow): Promise<string[]> {
  const interrupted = await db.projectionStore.query({
    sql: "SELECT id FROM runs WHERE workflow_version_id = ? AND status = 'running' ORDER BY created_at",
    params: [versionIdOf(workflow)],
  });
  const resumed: string[] = [];
  const errors: unknown[] = [];
  for (const { id } of interrupted) {
    await using record = new RunRecord(db, workflow, String(id));
    if (!(await record.takeOver())) continue;
    resumed.push(record.runId);
    await runNodes(record, workflow, () => record.resume()).catch((error) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${resumed.length} runs failed.`);
  return resumed;
}

/** Runs the nodes that have no result yet. A run whose results cannot be loaded has failed. */
async function runNodes(
  record: RunRecord,
  workflow: Workflow,
  loadResults: () => Promise<Map<string, NodeResult>>,
): Promise<void> {
  try {
    const results = await loadResults();
    for (const node of workflow.nodes) {
      if (!results.has(node.name)) results.set(node.name, await runNode(record, node, results));
    }
  } catch (error) {
    await record.end("failed", String(error));
    throw error;
  }
  await record.end("succeeded", `${versionIdOf(workflow)} has run.`);
}

async function runNode(
  record: RunRecord,
  node: WorkflowNode,
  results: ReadonlyMap<string, NodeResult>,
): Promise<NodeResult> {
  const inputs = node.inputs.map((name) => {
    const result = results.get(name);
    if (result === undefined) throw new Error(`The node ${node.name} needs ${name}, which has not run.`);
    return result;
  });
  await record.beginStep(node);
  try {
    const output = await node.run(...inputs.map(({ rows }) => rows));
    const sources = inputs.map(({ artifactId }) => artifactId);
    return { rows: output.rows, artifactId: await record.endStep(node, output, sources) };
  } catch (error) {
    await record.failStep(node, error);
    throw error;
  }
}
