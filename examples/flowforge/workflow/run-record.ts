import { randomUUID } from "node:crypto";
import type { DbContext, Event, Row } from "../ports.js";
import { type NodeOutput, type NodeResult, nodeIdOf, versionIdOf, type Workflow, type WorkflowNode } from "./graph.js";
import { RunLease } from "./run-lease.js";

export interface RunOptions {
  /** Who asked for it: `"manual"` or the id of a schedule. */
  readonly trigger: string;
  /** The same for all that may happen once. A run with a key that is known does not happen. Default: none. */
  readonly idempotencyKey?: string | undefined;
}

type Level = "debug" | "info" | "warn" | "error";

/** Records a run: an event for each thing that happens, and the rows that follow from it in the same transaction. */
export class RunRecord implements AsyncDisposable {
  readonly runId: string;
  readonly #db: DbContext;
  readonly #workflow: Workflow;
  readonly #lease: RunLease;
  /** The last event of the run that is stored, which led to the next one. */
  #last: Event | undefined;

  constructor(db: DbContext, workflow: Workflow, runId: string) {
    this.#db = db;
    this.#workflow = workflow;
    this.runId = runId;
    this.#lease = new RunLease(db, runId);
  }

  /** @returns false when the key is known: then nothing is stored */
  begin({ trigger, idempotencyKey }: RunOptions): Promise<boolean> {
    return this.#lease.take(async () => {
      if (idempotencyKey !== undefined && !(await this.#claim(idempotencyKey))) return false;
      const { createdAt } = await this.#append("RunStarted", { workflow: versionIdOf(this.#workflow), trigger });
      const run = { workflow_version_id: versionIdOf(this.#workflow), trigger, status: "running" };
      await this.#upsert("runs", { id: this.runId, ...run, started_at: createdAt, created_at: createdAt });
      return true;
    });
  }

  /** @returns false when the run has ended, or a process is there that runs it */
  takeOver(): Promise<boolean> {
    return this.#lease.take(async () => {
      const sql = "SELECT status FROM runs WHERE id = ?";
      const [run] = await this.#db.projectionStore.query({ sql, params: [this.runId] });
      return run?.status === "running";
    });
  }

  /** Goes on with the record of a run that was taken over. @returns what the nodes gave that are done, by their names */
  async resume(): Promise<Map<string, NodeResult>> {
    const events = await this.#db.eventStore.load({ aggregateId: this.runId });
    this.#last = events.at(-1);
    const results = new Map<string, NodeResult>();
    for (const { eventType, payload } of events) {
      if (eventType !== "StepFinished") continue;
      const artifactId = String(payload.artifactId);
      results.set(String(payload.node), { artifactId, rows: await this.#rowsOf(artifactId) });
    }
    return results;
  }

  beginStep(node: WorkflowNode): Promise<void> {
    return this.#transaction(async () => {
      const { createdAt } = await this.#append("StepStarted", { node: node.name });
      const step = { run_id: this.runId, node_id: nodeIdOf(this.#workflow, node.name), status: "running" };
      await this.#upsert("run_steps", { id: this.#stepId(node), ...step, started_at: createdAt });
    });
  }

  /** Stores what a node gave, and where it comes from. @returns the id of the artifact */
  endStep(node: WorkflowNode, { rows, warnings = [] }: NodeOutput, sources: readonly string[]): Promise<string> {
    const artifactId = `${this.#stepId(node)}/rows`;
    return this.#transaction(async () => {
      await this.#db.blobs.put({ key: keyOf(artifactId), data: toLines(rows), contentType: "application/x-ndjson" });
      const { createdAt } = await this.#append("StepFinished", { node: node.name, rows: rows.length, artifactId });
      await this.#endStepRow(node, "succeeded", createdAt, { rows: rows.length });
      await this.#upsert("artifacts", this.#artifact(node, artifactId, rows.length, createdAt));
      for (const source of sources) await this.#upsert("lineage", this.#lineage(source, artifactId, createdAt));
      for (const warning of warnings) await this.#log("warn", warning, node);
      await this.#log("info", `${node.name}: ${rows.length} rows`, node);
      await this.#publish(node, artifactId, rows.length);
      return artifactId;
    });
  }

  failStep(node: WorkflowNode, error: unknown): Promise<void> {
    return this.#transaction(async () => {
      const { createdAt } = await this.#append("StepFailed", { node: node.name, message: String(error) });
      await this.#endStepRow(node, "failed", createdAt, {});
      await this.#log("error", String(error), node);
    });
  }

  end(status: "succeeded" | "failed", message: string): Promise<void> {
    return this.#transaction(async () => {
      const { createdAt } = await this.#append("RunFinished", { status });
      const { sql, params } = finishing("runs", { id: this.runId, status, finished_at: createdAt });
      await this.#db.projectionStore.query({ sql, params });
      await this.#log(status === "failed" ? "error" : "info", message);
    });
  }

  /** Leaves the run to others, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease[Symbol.asyncDispose]();
  }

  /** What a transaction appended that fails is not there, and leads to nothing. */
  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    const last = this.#last;
    try {
      return await this.#db.tx.runInTransaction(async () => {
        await this.#lease.check();
        return work();
      });
    } catch (error) {
      this.#last = last;
      throw error;
    }
  }

  async #rowsOf(artifactId: string): Promise<Row[]> {
    const blob = await this.#db.blobs.get({ key: keyOf(artifactId) });
    if (blob === null) throw new Error(`The rows of ${artifactId} are missing.`);
    return fromLines(blob.data.toString());
  }

  async #claim(key: string): Promise<boolean> {
    const present = await this.#db.projectionStore.query({
      sql: "SELECT key FROM idempotency_keys WHERE key = ?",
      params: [key],
    });
    if (present.length > 0) return false;
    await this.#upsert("idempotency_keys", { key, scope: "run", first_seen_at: new Date().toISOString() });
    return true;
  }

  /** A source and a sink make named datasets, and a join has a definition: these tables follow from events. */
  async #publish({ name, kind, inputs, spec }: WorkflowNode, artifactId: string, rows: number): Promise<void> {
    if (kind === "source" || kind === "sink" || kind === "transform") {
      const payload = { id: name, name, locationUri: `blob:${keyOf(artifactId)}`, format: "ndjson", stats: { rows } };
      await this.#db.eventStore.append({ aggregateId: `dataset:${name}`, eventType: "DatasetPublished", payload });
    }
    if (kind === "join") {
      const [leftDatasetId, rightDatasetId] = inputs;
      const payload = { id: name, name, leftDatasetId, rightDatasetId, joinType: "inner", onExpr: spec.on };
      await this.#db.eventStore.append({
        aggregateId: `join:${name}`,
        eventType: "JoinDefined",
        payload: payload as Row,
      });
    }
  }

  async #append(eventType: string, payload: Record<string, unknown>): Promise<Event> {
    const metadata = this.#last === undefined ? undefined : { causationId: this.#last.id };
    this.#last = await this.#db.eventStore.append({ aggregateId: this.runId, eventType, payload, metadata });
    return this.#last;
  }

  async #endStepRow(node: WorkflowNode, status: string, finished_at: string, stats: Row): Promise<void> {
    const { sql, params } = finishing("run_steps", { id: this.#stepId(node), status, finished_at, stats_json: stats });
    await this.#db.projectionStore.query({ sql, params });
  }

  #artifact(node: WorkflowNode, id: string, rows: number, created_at: string): Row {
    const place = { run_id: this.runId, node_id: nodeIdOf(this.#workflow, node.name), uri: `blob:${keyOf(id)}` };
    return { id, ...place, kind: "table", format: "ndjson", rows, created_at };
  }

  #lineage(from: string, to: string, created_at: string): Row {
    return { id: `${from} -> ${to}`, run_id: this.runId, from_artifact_id: from, to_artifact_id: to, created_at };
  }

  #log(level: Level, message: string, node?: WorkflowNode): Promise<void> {
    const run_step_id = node === undefined ? null : this.#stepId(node);
    const ts = new Date().toISOString();
    return this.#upsert("run_logs", { id: randomUUID(), run_id: this.runId, run_step_id, level, message, ts });
  }

  #upsert(table: string, row: Row): Promise<void> {
    return this.#db.projectionStore.upsert({ table, rows: [row] });
  }

  #stepId({ name }: WorkflowNode): string {
    return `${this.runId}/${name}`;
  }
}

const keyOf = (artifactId: string): string => `artifacts/${artifactId}`;

function toLines(rows: readonly Row[]): Buffer {
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

function fromLines(text: string): Row[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Row);
}

/** Changes columns of a row that is there: an upsert would need all that may not be null. */
function finishing(table: string, { id, ...columns }: Row): { sql: string; params: unknown[] } {
  const set = Object.keys(columns).map((column) => `${column} = ?`);
  return { sql: `UPDATE ${table} SET ${set.join(", ")} WHERE id = ?`, params: [...Object.values(columns), id] };
}
