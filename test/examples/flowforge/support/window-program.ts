// A renderer. It has `window.db`, and for hostile requests the bare channel.
import { connectWindowDb } from "../../../../examples/flowforge/ipc/connect-window-db.js";
import type { Outcome } from "./window-process.js";

const db = connectWindowDb(process);
/** Ids that `window.db` does not come to. */
let nextRawId = 1_000_000;
/** Every message with an answer is followed by one of these, so that silence has an end. */
const PROBE = { method: "latestSnapshot", args: { aggregateId: "probe" } };

const scenarios: Record<string, (input: never) => Promise<unknown>> = { use, flood, sendRaw, watch };

process.on("message", (message: { scenario?: string; input: never }) => {
  const { scenario } = message;
  if (scenario === undefined) return;
  scenarios[scenario]?.(message.input).then(
    (output) => process.send?.({ finished: scenario, output }),
    (error: Error) => process.send?.({ finished: scenario, output: String(error.stack) }),
  );
});

/** The examples of the seed. */
async function use(): Promise<unknown> {
  const aggregateId = "workflow:my-workflow-123";
  const event = await db.appendEvent({
    aggregateId,
    eventType: "WorkflowCreated",
    payload: { name: "Data Processing Pipeline", description: "Process user data from CSV" },
    metadata: { userId: "john.doe", source: "ui" },
  });
  await db.upsertProjection({ table: "workflows", rows: [{ id: aggregateId, name: "Data Processing Pipeline" }] });
  await db.upsertProjection({
    table: "runs",
    rows: [
      {
        id: "run-123",
        workflow_version_id: "wfv-456",
        trigger: "manual",
        status: "queued",
        created_at: new Date().toISOString(),
      },
    ],
  });
  await db.saveSnapshot({ aggregateId, lastSeq: event.seq, state: { name: "Data Processing Pipeline" } });
  const query = { sql: "SELECT * FROM workflows WHERE name LIKE ?", params: ["%Pipeline%"] };
  return {
    event,
    events: await db.loadEvents({ aggregateId }),
    after: await db.loadEvents({ aggregateId, afterSeq: 1 }),
    snapshot: await db.latestSnapshot({ aggregateId }),
    none: await db.latestSnapshot({ aggregateId: "workflow:none" }),
    workflows: await db.queryProjection(query),
    runs: await db.queryProjection({ sql: "SELECT status FROM runs" }),
  };
}

/** Many calls at once. */
function flood(count: number): Promise<string[]> {
  const calls = Array.from({ length: count }, (_, at) =>
    db.appendEvent({ aggregateId: "test:flood", eventType: "Flooded", payload: { at } }).then(
      () => "stored",
      (error: { code: string }) => error.code,
    ),
  );
  return Promise.all(calls);
}

/** Messages as no `window.db` would send them, one after the other. */
async function sendRaw(messages: readonly unknown[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const message of messages) outcomes.push(await sendOne(message));
  return outcomes;
}

function sendOne(message: unknown): Promise<Outcome> {
  const id = nextRawId++;
  const probeId = nextRawId++;
  const isRequest = typeof message === "object" && message !== null && "method" in message && !("id" in message);
  return new Promise((resolve) => {
    const onMessage = (answer: { id?: number; result?: unknown; error?: Record<string, unknown> }) => {
      if (answer.id !== id && answer.id !== probeId) return;
      // A request may take longer than the probe after it. Everything else has no answer.
      if (answer.id === probeId && isRequest) return;
      process.off("message", onMessage);
      if (answer.id === probeId) resolve({ kind: "silence" });
      else if (answer.error === undefined) resolve({ kind: "result", result: answer.result });
      else resolve({ kind: "error", error: answer.error });
    };
    process.on("message", onMessage);
    process.send?.(isRequest ? { id, ...message } : message);
    process.send?.({ id: probeId, ...PROBE });
  });
}

/** Takes so many published values, slowly. */
async function watch(count: number): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of db.changes()) {
    values.push(value);
    if (values.length === count) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return values;
}
