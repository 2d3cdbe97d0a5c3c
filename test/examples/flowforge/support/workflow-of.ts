import type { Workflow, WorkflowNode } from "../../../../examples/flowforge/workflow/graph.js";

/** A source of two rows, and a sink. */
export function workflowOf(sink: WorkflowNode["run"]): Workflow {
  return {
    id: "workflow:test",
    name: "Test",
    description: "",
    version: 1,
    nodes: [
      { name: "in", kind: "source", inputs: [], spec: {}, run: () => ({ rows: [{ a: 1 }, { a: 2 }] }) },
      { name: "out", kind: "sink", inputs: ["in"], spec: {}, run: sink },
    ],
  };
}
