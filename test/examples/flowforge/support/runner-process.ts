/** A main process whose run comes to its second node, and stays there. */
import { createDbContext } from "../../../../examples/flowforge/index.js";
import { runWorkflow } from "../../../../examples/flowforge/workflow/run-workflow.js";
import { workflowOf } from "./workflow-of.js";

const [path = ""] = process.argv.slice(2);
const db = await createDbContext({ path, backend: "sqlite" });
const workflow = workflowOf(() => {
  process.stdout.write("in the sink\n");
  return new Promise(() => setInterval(() => undefined, 60_000));
});
await runWorkflow(db, workflow, { trigger: "manual" });
