import type { DbContext } from "../ports.js";
import { nodeIdOf, versionIdOf, type Workflow } from "./graph.js";

/** Stores a workflow and makes its version the active one, unless it is there. */
export async function defineWorkflow(
  { eventStore, projectionStore, tx }: DbContext,
  workflow: Workflow,
): Promise<void> {
  const { id, name, description, version, nodes } = workflow;
  await tx.runInTransaction(async () => {
    const versionId = versionIdOf(workflow);
    const present = await projectionStore.query({
      sql: "SELECT id FROM workflow_versions WHERE id = ?",
      params: [versionId],
    });
    if (present.length > 0) return;
    const { createdAt: created_at } = await eventStore.append({
      aggregateId: id,
      eventType: "WorkflowVersionActivated",
      payload: { name, version, nodes: nodes.map(({ name, kind }) => ({ name, kind })) },
    });
    const upsert = (table: string, rows: Record<string, unknown>[]) => projectionStore.upsert({ table, rows });
    await upsert("workflows", [{ id, name, description, created_at }]);
    await upsert("workflow_versions", [
      { id: versionId, workflow_id: id, version, status: "active", created_at, activated_at: created_at },
    ]);
    await upsert(
      "nodes",
      nodes.map((node) => ({
        id: nodeIdOf(workflow, node.name),
        workflow_version_id: versionId,
        kind: node.kind,
        name: node.name,
        spec_json: node.spec,
        created_at,
      })),
    );
    const edges = nodes.flatMap(({ name, inputs }) => inputs.map((from) => [from, name] as const));
    await upsert(
      "edges",
      edges.map(([from, to]) => ({
        id: `${versionId}/${from} -> ${to}`,
        workflow_version_id: versionId,
        from_node_id: nodeIdOf(workflow, from),
        to_node_id: nodeIdOf(workflow, to),
        created_at,
      })),
    );
  });
}
