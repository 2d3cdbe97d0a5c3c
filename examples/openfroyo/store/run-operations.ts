import { type JsonObject, type SQL, sql } from "async-streams";
import { checkObject } from "./check-object.js";
import { record, streamOfRun } from "./history.js";
import { listRows } from "./lists.js";
import type { NewRun, Run, RunStatus } from "./model.js";
import { plainValue, type Row, toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equals, equalsIfGiven, select } from "./statements.js";
import { NotFoundError } from "./store-error.js";
import { RESOURCE_STATE, RUNS } from "./tables.js";

/** What `listRuns` wants. */
export interface RunFilter {
  readonly status?: RunStatus | undefined;
  /** Only those after the one with this id. */
  readonly after?: string | undefined;
  /** At most 10,000. Default: all, and an error if there are more. */
  readonly limit?: number | undefined;
}

export function createRun(session: Session, given: NewRun): Promise<Run> {
  return session.change("create run", async (tx, tables) => {
    checkObject("run", given);
    const now = session.now();
    const run: Run = {
      ...given,
      status: given.status ?? "pending",
      startedAt: given.startedAt ?? now,
      metadata: given.metadata ?? {},
      createdAt: given.createdAt ?? now,
      updatedAt: given.updatedAt ?? now,
    };
    await record(tx, tables, streamOfRun(run.id), { type: "RunCreated", data: toData(RUNS, run) });
    return run;
  });
}

export function getRun(session: Session, id: string): Promise<Run> {
  return session.read("get run", async (all) => runOf(id, await all(selectRun(id))));
}

/** In the order in which they were created. */
export function listRuns(session: Session, filter: RunFilter): Promise<Run[]> {
  return session.read("list runs", async (all) => {
    checkObject("filter", filter);
    const { status, after, limit } = filter;
    const where = [equalsIfGiven("status", status)];
    if (after !== undefined) {
      const [last] = await all(selectRun(after));
      // Without it the next page would be empty, like that behind the last one.
      if (last === undefined) throw new NotFoundError(`run "${after}"`);
      where.push(sql`position > ${last.position ?? null}`);
    }
    const rows = await listRows(all, RUNS, { where, orderBy: sql`position`, limit });
    return rows.map((row) => toRecord<Run>(RUNS, row));
  });
}

/** Nothing happens if it has the status already. */
export function updateRunStatus(session: Session, id: string, status: RunStatus, error?: string): Promise<void> {
  return session.change("update run status", async (tx, tables) => {
    const run = await findRun(tables, id);
    if (run.status === status) return;
    const now = session.now().toISOString();
    const isOver = status === "completed" || status === "failed" || status === "cancelled";
    const changes: JsonObject = {
      status,
      error: plainValue("error", "text", error ?? null),
      completedAt: isOver ? now : null,
      updatedAt: now,
    };
    await record(tx, tables, streamOfRun(id), { type: "RunStatusChanged", data: { id, changes } });
  });
}

/** Its units and log lines go with it. What happened stays in its stream. */
export function deleteRun(session: Session, id: string): Promise<void> {
  return session.change("delete run", async (tx, tables) => {
    await findRun(tables, id);
    await checkNoResource(tables, id);
    await record(tx, tables, streamOfRun(id), { type: "RunDeleted", data: { id } });
  });
}

/** The foreign key refuses it too, and would not say which resource it is. */
async function checkNoResource(tables: SQL, id: string): Promise<void> {
  const [found] = await tables.all<Row>(select(RESOURCE_STATE, { where: [equals("last_run_id", id)], limit: 1 }));
  if (found === undefined) return;
  const resource = `resource "${found.resource_type}" "${found.resource_name}"`;
  throw new Error(`run "${id}" is the last one of ${resource}; delete it once another run has changed that`);
}

async function findRun(tables: SQL, id: string): Promise<Run> {
  return runOf(id, await tables.all<Row>(selectRun(id)));
}

const selectRun = (id: string) => select(RUNS, { where: [equals("id", id)] });

function runOf(id: string, [row]: readonly Row[]): Run {
  if (row === undefined) throw new NotFoundError(`run "${id}"`);
  return toRecord<Run>(RUNS, row);
}
