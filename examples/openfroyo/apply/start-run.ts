import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "async-streams";
import type { Run } from "../store/model.js";
import type { UnitContext } from "./apply-unit.js";
import type { Plan } from "./plan.js";
import type { PlannedResource } from "./plan-file.js";
import { PROVIDERS } from "./providers.js";

/** A plan has thousands of units at most, each of which is two statements. */
const START_TIMEOUT_MS = 60_000;

/** The run of this plan and target that was interrupted, or a new one. That of an earlier text of the plan is cancelled. */
export async function startRun(context: UnitContext, plan: Plan): Promise<{ run: Run; isResumed: boolean }> {
  for (const run of await context.store.listRuns({ status: "running" })) {
    const { target, hash } = run.metadata as JsonObject;
    if (run.planPath !== plan.path || target !== context.target.folder) continue;
    if (hash === plan.hash) return { run, isResumed: true };
    await context.store.updateRunStatus(run.id, "cancelled", "the plan has changed");
  }
  return { run: await createRun(context, plan), isResumed: false };
}

/** The run and all of its units are there, or none of them. */
async function createRun({ store, target, actor }: UnitContext, plan: Plan): Promise<Run> {
  const runId = randomUUID();
  const units = await Promise.all(plan.resources.map((resource) => planUnit({ store, target, actor }, plan, resource)));
  return store.withTx(
    async (tx) => {
      const metadata = { name: plan.name, hash: plan.hash, target: target.folder };
      const run = await tx.createRun({ id: runId, planPath: plan.path, status: "running", metadata });
      for (const { action, state, resource } of units) {
        const { type: resourceType, name: resourceName } = resource;
        const dependencies = resource.dependsOn.map((id) => `${runId}/${id}`);
        const id = `${runId}/${resource.id}`;
        await tx.createPlanUnit({ id, runId, resourceType, resourceName, action, dependencies, desiredState: state });
      }
      await tx.createAuditEntry({ action: "run.created", actor, targetId: runId, details: { plan: plan.path } });
      return run;
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
}

/** What a unit will have to do, as far as it can be seen now. */
async function planUnit({ target }: UnitContext, plan: Plan, resource: PlannedResource) {
  const provider = PROVIDERS.get(resource.type);
  if (provider === undefined) throw new Error(`nothing can make a "${resource.type}"`);
  const state = (await provider.prepare?.(target, plan.folder, resource.name, resource.state)) ?? resource.state;
  const found = await provider.read(target, resource.name, state);
  const isThere = isDeepStrictEqual(found, provider.expected(state));
  return { resource, state, action: isThere ? "read" : found === null ? "create" : "update" } as const;
}
