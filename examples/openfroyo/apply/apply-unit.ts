import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "async-streams";
import type { PlanUnit } from "../store/model.js";
import type { Store, StoreTransaction } from "../store/store.js";
import type { Target } from "./provider.js";
import { PROVIDERS } from "./providers.js";

/** What became of a unit. */
export type UnitResult = "changed" | "unchanged" | "failed";

/** Who does it where. */
export interface UnitContext {
  readonly store: Store;
  readonly target: Target;
  readonly actor: string;
}

/**
 * Does one unit. It looks before it acts: a unit that was interrupted after its work and before its commit is not done again.
 * Its end, the new state of the resource, the log and the audit trail are one transaction.
 */
export async function applyUnit(context: UnitContext, unit: PlanUnit): Promise<UnitResult> {
  const { store, target } = context;
  const { id, resourceType, resourceName, desiredState } = unit;
  const wasInterrupted = unit.status === "running";
  const state = desiredState as JsonObject;
  try {
    await store.updatePlanUnitStatus(id, "running");
    const provider = PROVIDERS.get(resourceType);
    if (provider === undefined) throw new Error(`nothing can make a "${resourceType}"`);
    const expected = provider.expected(state);
    const before = await provider.read(target, resourceName, state);
    const isThere = isDeepStrictEqual(before, expected);
    if (!isThere) await provider.apply(target, resourceName, state);
    const isChange = !isThere || (wasInterrupted && unit.action !== "read");
    await commitUnit(context, unit, { isChange, before, after: expected });
    return isChange ? "changed" : "unchanged";
  } catch (error) {
    await commitFailure(context, unit, error instanceof Error ? error.message : String(error));
    return "failed";
  }
}

interface UnitChange {
  readonly isChange: boolean;
  readonly before: JsonValue | null;
  readonly after: JsonValue;
}

async function commitUnit({ store, actor }: UnitContext, unit: PlanUnit, change: UnitChange): Promise<void> {
  const { id, runId, resourceType, resourceName, action } = unit;
  const { isChange, before, after } = change;
  await store.withTx(async (tx) => {
    await checkNotOver(tx, id);
    const outcome = { actualState: after, diff: { before, after } };
    await tx.updatePlanUnitStatus(id, isChange ? "completed" : "skipped", outcome);
    if (!isChange) return;
    await tx.upsertResourceState({ resourceType, resourceName, state: after, lastRunId: runId });
    // One that was as planned when the run began, and was changed meanwhile, is changed back.
    const verb = action === "read" ? "updated" : `${action}d`;
    const message = `${verb} ${resourceType} "${resourceName}"`;
    await tx.appendEvent({ runId, planUnitId: id, level: "info", message, details: { before, after } });
    await tx.createAuditEntry({ action: `resource.${verb}`, actor, targetId: `${resourceType}:${resourceName}` });
  });
}

async function commitFailure({ store }: UnitContext, unit: PlanUnit, error: string): Promise<void> {
  const { id, runId, resourceType, resourceName } = unit;
  await store.withTx(async (tx) => {
    await checkNotOver(tx, id);
    await tx.updatePlanUnitStatus(id, "failed", { error });
    const message = `${resourceType} "${resourceName}" failed: ${error}`;
    await tx.appendEvent({ runId, planUnitId: id, level: "error", message });
  });
}

/** What another process has ended is not ended again. @throws Error */
async function checkNotOver(tx: StoreTransaction, id: string): Promise<void> {
  const { status } = await tx.getPlanUnit(id);
  const isOver = status === "completed" || status === "skipped" || status === "failed";
  if (isOver) throw new Error(`unit "${id}" is ${status}: another process applies this plan too`);
}
