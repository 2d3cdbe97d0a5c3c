import { randomUUID } from "node:crypto";
import type { DbContext, Row } from "../ports.js";
import { versionIdOf, type Workflow, type WorkflowNode } from "./graph.js";
import { type RunOptions, RunRecord } from "./run-record.js";

/** @returns the id of the run, or null when one with this key has begun before */
export async function runWorkflow(db: DbContext, workflow: Workflow, options: RunOptions): Promise<string | null> {
  const record = new RunRecord(db, workflow, `run:${randomUUID()}`);
  if (!(await record.begin(options))) return null;
  const outputs = new Map<string, { readonly rows: readonly Row[]; readonly artifactId: string }>();
  try {
    for (const node of workflow.nodes) outputs.set(node.name, await runNode(record, node, outputs));
  } catch (error) {
    await record.end("failed", String(error));
    throw error;
  }
  await record.end("succeeded", `${versionIdOf(workflow)} has run.`);
  return record.runId;
}

async function runNode(
  record: RunRecord,
  node: WorkflowNode,
  outputs: ReadonlyMap<string, { readonly rows: readonly Row[]; readonly artifactId: string }>,
): Promise<{ readonly rows: readonly Row[]; readonly artifactId: string }> {
  const inputs = node.inputs.map((name) => {
    const output = outputs.get(name);
    if (output === undefined) throw new Error(`The node ${node.name} needs ${name}, which has not run.`);
    return output;
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
