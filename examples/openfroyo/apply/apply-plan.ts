import { resolve } from "node:path";
import type { PlanUnit } from "../store/model.js";
import type { Store } from "../store/store.js";
import { applyUnit, type UnitContext, type UnitResult } from "./apply-unit.js";
import type { Plan } from "./plan.js";
import { startRun } from "./start-run.js";
import { type TargetLease, takeTargetLease } from "./target-lease.js";

export interface ApplyOptions {
  /** The folder that the plan is applied to. */
  readonly target: string;
  /** Who applies it, for the audit trail. */
  readonly actor: string;
  /** Units that run at the same time, from 1. Default 4. */
  readonly concurrency?: number;
  /** Called when a unit is done. */
  readonly onUnit?: (unit: PlanUnit, result: UnitResult) => void;
}

/** What applying a plan did. */
export interface ApplyReport {
  readonly runId: string;
  /** Whether it went on with a run that was interrupted. */
  readonly isResumed: boolean;
  readonly changed: number;
  readonly unchanged: number;
  readonly failed: number;
}

const DEFAULT_CONCURRENCY = 4;

/**
 * Applies a plan: each unit after those it depends on, and independent ones at the same time. It goes on with a run that was
 * interrupted. After a failure no other unit is begun, and the run has failed. A target is changed by one process at
 * a time. When somebody gives the run another status, such as "cancelled", no other unit is begun.
 *
 * @throws Error when another process applies a plan to the target, or the run was cancelled
 * @throws RangeError when `concurrency` is no whole number from 1
 */
export async function applyPlan(store: Store, plan: Plan, options: ApplyOptions): Promise<ApplyReport> {
  const { target, actor, concurrency = DEFAULT_CONCURRENCY, onUnit } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a whole number from 1, got ${concurrency}`);
  }
  const context = { store, actor, target: { folder: resolve(target), artifacts: store.artifacts } };
  await using lease = await takeTargetLease(store, context.target.folder);
  const { run, isResumed } = await startRun(context, plan);
  const results = await applyUnits(context, await store.listPlanUnits(run.id), { concurrency, onUnit, lease });
  const count = (wanted: UnitResult) => results.filter((result) => result === wanted).length;
  const failed = count("failed");
  const status = failed === 0 ? "completed" : "failed";
  await store.withTx(async (tx) => {
    await checkGoesOn(tx, run.id);
    await tx.updateRunStatus(run.id, status, ...(failed === 0 ? [] : [`${failed} units failed`]));
    await tx.createAuditEntry({ action: `run.${status}`, actor, targetId: run.id });
  });
  return { runId: run.id, isResumed, changed: count("changed"), unchanged: count("unchanged"), failed };
}

/** @throws Error when somebody has ended the run */
async function checkGoesOn(operations: Pick<Store, "getRun">, runId: string): Promise<void> {
  const { status } = await operations.getRun(runId);
  if (status !== "running") throw new Error(`run "${runId}" is ${status}; apply the plan again to begin a new one`);
}

interface UnitsOptions {
  readonly concurrency: number;
  readonly onUnit: ApplyOptions["onUnit"];
  readonly lease: TargetLease;
}

/** Those that are done already are left out. */
async function applyUnits(
  context: UnitContext,
  units: readonly PlanUnit[],
  { concurrency, onUnit, lease }: UnitsOptions,
): Promise<UnitResult[]> {
  const isDone = ({ status }: PlanUnit) => status === "completed" || status === "skipped";
  const done = new Set(units.filter(isDone).map(({ id }) => id));
  const waiting = new Set(units.filter((unit) => !isDone(unit)));
  const running = new Set<Promise<void>>();
  const results: UnitResult[] = [];

  async function run(unit: PlanUnit): Promise<void> {
    lease.check();
    await checkGoesOn(context.store, unit.runId);
    const result = await applyUnit(context, unit);
    results.push(result);
    if (result !== "failed") done.add(unit.id);
    onUnit?.(unit, result);
  }

  try {
    for (;;) {
      for (const unit of results.includes("failed") ? [] : waiting) {
        if (running.size >= concurrency) break;
        if (!unit.dependencies.every((id) => done.has(id))) continue;
        waiting.delete(unit);
        const work = run(unit).finally(() => running.delete(work));
        running.add(work);
      }
      if (running.size === 0) return results;
      await Promise.race(running);
    }
  } finally {
    // After a failure too: the target is given back when this ends.
    await Promise.allSettled(running);
  }
}
