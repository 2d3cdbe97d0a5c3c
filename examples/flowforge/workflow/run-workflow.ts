import { randomUUID } from "node:crypto";
import type { DbContext } from "../ports.js";
import { type NodeResult, versionIdOf, type Workflow, type WorkflowNode } from "./graph.js";
import { type RunOptions, RunRecord } from "./run-record.js";

/** @returns the id of the run, or null when one with this key has begun before */
export async function runWorkflow(db: DbContext, workflow: Workflow, options: RunOptions): Promise<string | null> {
  const record = new RunRecord(db, workflow, `run:${randomUUID()}`);
  if (!(await record.begin(options))) return null;
  await runNodes(record, workflow, async () => new Map());
  return record.runId;
}

/**
 * Goes on with the runs of a workflow that ended with their process. A node whose rows are stored is not run again. Call it when
 * the program starts, before it runs anything.
 *
 * @returns the ids of the runs
 * @throws AggregateError when some of them failed, after the others have run
 */
export async function resumeRuns(db: DbContext, workflow: Workflow): Promise<string[]> {
  const interrupted = await db.projectionStore.query({
    sql: "SELECT id FROM runs WHERE workflow_version_id = ? AND status = 'running' ORDER BY created_at",
    params: [versionIdOf(workflow)],
  });
  const records = interrupted.map(({ id }) => new RunRecord(db, workflow, String(id)));
  const errors: unknown[] = [];
  for (const record of records) {
    await runNodes(record, workflow, () => record.resume()).catch((error) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${records.length} runs failed.`);
  return records.map(({ runId }) => runId);
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
