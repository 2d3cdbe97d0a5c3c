import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { DbContext } from "../../../examples/flowforge/ports.js";
import { defineWorkflow } from "../../../examples/flowforge/workflow/define-workflow.js";
import type { Workflow, WorkflowNode } from "../../../examples/flowforge/workflow/graph.js";
import { RunRecord } from "../../../examples/flowforge/workflow/run-record.js";
import { resumeRuns, runWorkflow } from "../../../examples/flowforge/workflow/run-workflow.js";
import { addSchedule, runScheduled } from "../../../examples/flowforge/workflow/schedule.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { describeBackends, withDb } from "./support/backends.js";
import { workflowOf } from "./support/workflow-of.js";

/** A source, and a sink that may fail. */
function workflowThat(fails: boolean): Workflow {
  return workflowOf((rows) => {
    if (fails) throw new Error("the disk is full");
    return { rows: rows.slice(1), warnings: ["one was left out"] };
  });
}

describeBackends("a workflow", (backend) => {
  test("leaves events that cause each other, steps, logs, artifacts and lineage", () =>
    withDb(backend, async (db) => {
      const workflow = workflowThat(false);
      await defineWorkflow(db, workflow);
      await defineWorkflow(db, workflow);
      const runId = (await runWorkflow(db, workflow, { trigger: "manual" })) ?? "";
      const rows = (sql: string) => db.projectionStore.query({ sql });
      expect(await rows("SELECT status, trigger FROM runs")).toEqual([{ status: "succeeded", trigger: "manual" }]);
      expect(await rows("SELECT node_id, status, stats_json FROM run_steps ORDER BY node_id")).toEqual([
        { node_id: "workflow:test@1/in", status: "succeeded", stats_json: '{"rows":2}' },
        { node_id: "workflow:test@1/out", status: "succeeded", stats_json: '{"rows":1}' },
      ]);
      expect(await rows("SELECT from_artifact_id, to_artifact_id FROM lineage")).toEqual([
        { from_artifact_id: `${runId}/in/rows`, to_artifact_id: `${runId}/out/rows` },
      ]);
      expect(await rows("SELECT message FROM run_logs WHERE level = 'warn'")).toEqual([
        { message: "one was left out" },
      ]);
      expect(await rows("SELECT from_node_id, to_node_id FROM edges")).toEqual([
        { from_node_id: "workflow:test@1/in", to_node_id: "workflow:test@1/out" },
      ]);
      const blob = await db.blobs.get({ key: `artifacts/${runId}/out/rows` });
      expect(blob).toEqual({ data: Buffer.from('{"a":2}\n'), contentType: "application/x-ndjson" });
      const events = await db.eventStore.load({ aggregateId: runId });
      expect(events.map(({ eventType }) => eventType)).toEqual([
        ...["RunStarted", "StepStarted", "StepFinished", "StepStarted", "StepFinished", "RunFinished"],
      ]);
      expect(events.slice(1).map(({ causedByEventId }) => causedByEventId)).toEqual(
        events.slice(0, -1).map(({ id }) => id),
      );
    }));

  test("that fails says so, and keeps what was done before", () =>
    withDb(backend, async (db) => {
      const workflow = workflowThat(true);
      await defineWorkflow(db, workflow);
      await expect(runWorkflow(db, workflow, { trigger: "manual" })).rejects.toThrow("the disk is full");
      const rows = (sql: string) => db.projectionStore.query({ sql });
      expect(await rows("SELECT status FROM runs")).toEqual([{ status: "failed" }]);
      expect(await rows("SELECT status FROM run_steps ORDER BY node_id")).toEqual([
        { status: "succeeded" },
        { status: "failed" },
      ]);
      expect(await rows("SELECT count(*) AS artifacts FROM artifacts")).toEqual([{ artifacts: 1 }]);
      expect((await rows("SELECT message FROM run_logs WHERE level = 'error'")).length).toBe(2);
    }));

  test("that fails while it stores rows leaves no event that was caused by one that is not there", () =>
    withDb(backend, async (db) => {
      // A join without a definition: the derived table refuses it.
      const join = { name: "join", kind: "join", inputs: ["in"], spec: {}, run: () => ({ rows: [] }) } as const;
      const workflow = { ...workflowThat(false), nodes: [...workflowThat(false).nodes.slice(0, 1), join] };
      await expect(runWorkflow(db, workflow, { trigger: "manual" })).rejects.toThrow();
      const [run] = await db.projectionStore.query({ sql: "SELECT id, status FROM runs" });
      expect(run?.status).toBe("failed");
      const events = await db.eventStore.load({ aggregateId: String(run?.id) });
      expect(events.map(({ eventType }) => eventType)).toEqual([
        ...["RunStarted", "StepStarted", "StepFinished", "StepStarted", "StepFailed", "RunFinished"],
      ]);
      expect(events.slice(1).map(({ causedByEventId }) => causedByEventId)).toEqual(
        events.slice(0, -1).map(({ id }) => id),
      );
    }));

  test("whose process ended goes on at the next start, without the nodes that are done", () =>
    withDb(backend, async (db) => {
      let sourceRuns = 0;
      let isDown = false;
      const runInTransaction: DbContext["tx"]["runInTransaction"] = (work) =>
        isDown ? Promise.reject(new Error("the process has ended")) : db.tx.runInTransaction(work);
      const mortal = { ...db, tx: { runInTransaction } };
      const [source, sink] = workflowThat(false).nodes as [WorkflowNode, WorkflowNode];
      const counted = { ...source, run: () => ({ rows: [{ a: ++sourceRuns }, { a: 2 }] }) };
      const ending = {
        ...sink,
        run: () => {
          isDown = true;
          return { rows: [] };
        },
      };
      const workflow = { ...workflowThat(false), nodes: [counted, sink] };
      const schedule = { id: "schedule:1", workflow, cron: "0 3 * * *" };
      const at = new Date("2026-11-28T03:00:00Z");
      const dying = { ...schedule, workflow: { ...workflow, nodes: [counted, ending] } };
      await expect(runScheduled(mortal, dying, at)).rejects.toThrow("the process has ended");
      const rows = (sql: string) => db.projectionStore.query({ sql });
      expect(await rows("SELECT status FROM runs")).toEqual([{ status: "running" }]);

      const [runId, ...others] = await resumeRuns(db, workflow);
      expect([others, sourceRuns]).toEqual([[], 1]);
      expect(await rows("SELECT id, status FROM runs")).toEqual([{ id: runId, status: "succeeded" }]);
      const blob = await db.blobs.get({ key: `artifacts/${runId}/out/rows` });
      expect(blob?.data.toString()).toBe('{"a":2}\n');
      const events = await db.eventStore.load({ aggregateId: runId ?? "" });
      expect(events.slice(1).map(({ causedByEventId }) => causedByEventId)).toEqual(
        events.slice(0, -1).map(({ id }) => id),
      );
      expect(await resumeRuns(db, workflow)).toEqual([]);
      expect(await runScheduled(db, schedule, at)).toBeNull();
    }));

  test("that is under way, or has ended, is not gone on with", () =>
    withDb(backend, async (db) => {
      const resumed: string[][] = [];
      const workflow = workflowOf(async () => {
        resumed.push(...(await Promise.all([resumeRuns(db, workflow), resumeRuns(db, workflow)])));
        return { rows: [] };
      });
      await runWorkflow(db, workflow, { trigger: "manual" });
      expect(resumed).toEqual([[], []]);
      expect(await resumeRuns(db, workflow)).toEqual([]);
    }));

  test("that another process has taken over, since its own was held up, stores nothing more", () =>
    withDb(backend, async (db) => {
      const workflow = workflowThat(false);
      const [source] = workflow.nodes as [WorkflowNode];
      await using heldUp = new RunRecord(db, workflow, "run:1");
      await heldUp.begin({ trigger: "manual" });
      await heldUp.beginStep(source);
      const sql = "UPDATE run_leases SET renewed_at = ?";
      await db.projectionStore.query({ sql, params: [new Date(Date.now() - 60_000).toISOString()] });
      expect(await resumeRuns(db, workflow)).toEqual(["run:1"]);
      const events = await db.eventStore.load({ aggregateId: "run:1" });
      await expect(heldUp.endStep(source, { rows: [{ a: 3 }] }, [])).rejects.toThrow(
        "Another process goes on with run:1",
      );
      await expect(heldUp.end("failed", "held up")).rejects.toThrow("Another process goes on with run:1");
      expect(await db.eventStore.load({ aggregateId: "run:1" })).toEqual(events);
      expect(await db.projectionStore.query({ sql: "SELECT status FROM runs" })).toEqual([{ status: "succeeded" }]);
    }));

  test("whose rows were lost cannot go on, and keeps no other run from it", () =>
    withDb(backend, async (db) => {
      const workflow = workflowThat(false);
      await defineWorkflow(db, workflow);
      const [source] = workflow.nodes as [WorkflowNode];
      for (const runId of ["run:1", "run:2"]) {
        await using record = new RunRecord(db, workflow, runId);
        await record.begin({ trigger: "manual" });
        await record.beginStep(source);
        await record.endStep(source, { rows: [{ a: 1 }] }, []);
      }
      const get: DbContext["blobs"]["get"] = async ({ key }) =>
        key.startsWith("artifacts/run:1/") ? null : db.blobs.get({ key });
      const { blobs } = db;
      const incomplete = { get, put: blobs.put.bind(blobs), stat: blobs.stat.bind(blobs) };
      const failure = await resumeRuns({ ...db, blobs: incomplete }, workflow).catch((error) => error);
      expect(failure).toMatchObject({ errors: [{ message: "The rows of run:1/in/rows are missing." }] });
      expect(await db.projectionStore.query({ sql: "SELECT id, status FROM runs ORDER BY id" })).toEqual([
        { id: "run:1", status: "failed" },
        { id: "run:2", status: "succeeded" },
      ]);
      expect(await resumeRuns(db, workflow)).toEqual([]);
    }));

  test("runs once for each time of its schedule, however many ask for it", () =>
    withDb(backend, async (db) => {
      const schedule = { id: "schedule:1", workflow: workflowThat(false), cron: "0 3 * * *" };
      await defineWorkflow(db, schedule.workflow);
      await addSchedule(db, schedule);
      const at = new Date("2026-11-28T03:00:00Z");
      const runs = await Promise.all(Array.from({ length: 5 }, () => runScheduled(db, schedule, at)));
      expect(runs.filter((runId) => runId !== null)).toHaveLength(1);
      expect(await runScheduled(db, schedule, new Date("2026-11-29T03:00:00Z"))).not.toBeNull();
      expect(await runScheduled(db, schedule, at)).toBeNull();
      expect(await db.projectionStore.query({ sql: "SELECT last_scheduled_at FROM schedules" })).toEqual([
        { last_scheduled_at: "2026-11-29T03:00:00.000Z" },
      ]);
      expect(await db.projectionStore.query({ sql: "SELECT count(*) AS runs FROM runs" })).toEqual([{ runs: 2 }]);
    }));
});

test("a run of another main process is left to it, and gone on with when that was killed", () =>
  withDb("sqlite", async (db, path) => {
    const program = compiledProgram(fileURLToPath(new URL("support/runner-process.ts", import.meta.url)));
    await using runner = new NodeProcess(program, { args: [path] });
    await runner.ready();
    const workflow = workflowThat(false);
    const statuses = () => db.projectionStore.query({ sql: "SELECT status FROM runs" });
    expect(await resumeRuns(db, workflow)).toEqual([]);
    expect(await statuses()).toEqual([{ status: "running" }]);

    await runner.kill();
    const [runId = ""] = await resumeRuns(db, workflow);
    expect(await statuses()).toEqual([{ status: "succeeded" }]);
    const events = await db.eventStore.load({ aggregateId: runId });
    expect(events.map(({ eventType, payload }) => [eventType, payload.node])).toEqual([
      ["RunStarted", undefined],
      ["StepStarted", "in"],
      ["StepFinished", "in"],
      ["StepStarted", "out"],
      ["StepStarted", "out"],
      ["StepFinished", "out"],
      ["RunFinished", undefined],
    ]);
  }));
