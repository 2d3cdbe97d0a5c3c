import { type JsonObject, type JsonValue, type SQL, sql } from "async-streams";
import { checkObject } from "./check-object.js";
import { record, streamOfRun } from "./history.js";
import { allRows } from "./lists.js";
import type { NewPlanUnit, PlanUnit, PlanUnitStatus } from "./model.js";
import { plainValue, type Row, toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equals, isOneOf, select } from "./statements.js";
import { NotFoundError } from "./store-error.js";
import { PLAN_UNITS } from "./tables.js";

/** What is known of a unit with its new status. */
export interface UnitOutcome {
  readonly actualState?: JsonValue;
  readonly diff?: JsonValue;
  readonly error?: string;
}

export function createPlanUnit(session: Session, given: NewPlanUnit): Promise<PlanUnit> {
  return session.change("create plan unit", async (tx, tables) => {
    checkObject("unit", given);
    const now = session.now();
    const unit: PlanUnit = {
      ...given,
      status: given.status ?? "pending",
      dependencies: dependenciesOf(given),
      desiredState: given.desiredState ?? {},
      retries: given.retries ?? 0,
      createdAt: given.createdAt ?? now,
      updatedAt: given.updatedAt ?? now,
    };
    await record(tx, tables, streamOfRun(unit.runId), { type: "UnitPlanned", data: toData(PLAN_UNITS, unit) });
    return unit;
  });
}

/** Others could never be done, so that the unit would never start. */
function dependenciesOf({ dependencies = [] }: NewPlanUnit): readonly string[] {
  if (Array.isArray(dependencies) && dependencies.every((id) => typeof id === "string")) return dependencies;
  throw new TypeError(`dependencies must be a list of ids, got ${JSON.stringify(dependencies)}`);
}

export function getPlanUnit(session: Session, id: string): Promise<PlanUnit> {
  return session.read("get plan unit", async (all) => unitOf(id, await all(selectUnit(id))));
}

/** All units of a run, in the order in which they were created. */
export function listPlanUnits(session: Session, runId: string): Promise<PlanUnit[]> {
  const page = (last: Row | undefined, limit: number) =>
    select(PLAN_UNITS, {
      where: [equals("run_id", runId), last && sql`position > ${last.position ?? null}`],
      orderBy: sql`position`,
      limit,
    });
  return session.read("list plan units", async (all) =>
    (await allRows(all, page)).map((row) => toRecord<PlanUnit>(PLAN_UNITS, row)),
  );
}

/**
 * Nothing happens if the unit has the status already, so that two callers who both start it are told nothing: let one process
 * apply a plan. A unit starts, and is completed, only when all that it depends on is completed or skipped. A completed one stays
 * so.
 */
export function updatePlanUnitStatus(
  session: Session,
  id: string,
  status: PlanUnitStatus,
  outcome: UnitOutcome = {},
): Promise<void> {
  return session.change("update plan unit status", async (tx, tables) => {
    checkObject("outcome", outcome);
    const unit = unitOf(id, await tables.all<Row>(selectUnit(id)));
    if (unit.status === status) return;
    if (unit.status === "completed") throw new Error(`unit "${id}" is completed, and cannot become ${status}`);
    if (status === "running" || status === "completed") await checkDependencies(tables, unit);
    const changes = changesOf(unit, status, outcome, session.now().toISOString());
    await record(tx, tables, streamOfRun(unit.runId), { type: "UnitStatusChanged", data: { id, changes } });
  });
}

function changesOf(unit: PlanUnit, status: PlanUnitStatus, outcome: UnitOutcome, now: string): JsonObject {
  const isOver = status === "completed" || status === "failed" || status === "skipped";
  return {
    status,
    error: plainValue("error", "text", outcome.error ?? null),
    completedAt: isOver ? now : null,
    updatedAt: now,
    ...(outcome.actualState !== undefined && { actualState: outcome.actualState }),
    ...(outcome.diff !== undefined && { diff: outcome.diff }),
    ...(status === "running" && unit.startedAt === undefined && { startedAt: now }),
    ...(status === "running" && unit.status === "failed" && { retries: unit.retries + 1 }),
  };
}

async function checkDependencies(tables: SQL, { id, runId, dependencies }: PlanUnit): Promise<void> {
  if (dependencies.length === 0) return;
  const where = [equals("run_id", runId), isOneOf("id", dependencies), isOneOf("status", ["completed", "skipped"])];
  const done = new Set((await tables.all<Row>(select(PLAN_UNITS, { where }))).map((row) => row.id));
  const missing = dependencies.filter((dependency) => !done.has(dependency));
  if (missing.length > 0) throw new Error(`unit "${id}" waits for ${missing.join(", ")}`);
}

const selectUnit = (id: string) => select(PLAN_UNITS, { where: [equals("id", id)] });

function unitOf(id: string, [row]: readonly Row[]): PlanUnit {
  if (row === undefined) throw new NotFoundError(`plan unit "${id}"`);
  return toRecord<PlanUnit>(PLAN_UNITS, row);
}
