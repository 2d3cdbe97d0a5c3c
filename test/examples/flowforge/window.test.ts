import { monitorEventLoopDelay } from "node:perf_hooks";
import { MessageChannel } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { connectWindowDb, createDbContext, registerIpc } from "../../../examples/flowforge/index.js";
import { LatestValue } from "../../../examples/flowforge/ipc/publication.js";
import type { DbContext } from "../../../examples/flowforge/ports.js";
import type { SQLiteContext } from "../../../examples/flowforge/sqlite/sqlite-context.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type BackendName, describeBackends, withDb } from "./support/backends.js";
import { GIANT_REQUESTS, HOSTILE_REQUESTS, NO_REQUESTS } from "./support/hostile-requests.js";
import { type Outcome, WindowProcess } from "./support/window-process.js";

vi.mock("../../../examples/flowforge/child-program.js", () => import("./support/compiled-child-program.js"));

const QUERY_TIME_MS = 300;
const MAX_DELAY_MS = 1_000;

describeBackends("a window", (backend) => {
  test("does what it may through a channel between processes", () =>
    withDb(backend, async (db) => {
      await using window = new WindowProcess(db);
      const aggregateId = "workflow:my-workflow-123";
      const events = await db.eventStore.load({ aggregateId });
      expect(events).toEqual([]);
      const output = (await window.run("use")) as Record<string, unknown>;
      const stored = await db.eventStore.load({ aggregateId });
      expect(output).toEqual({
        event: stored[0],
        events: stored,
        after: [],
        snapshot: {
          aggregateId,
          lastSeq: 1,
          state: { name: "Data Processing Pipeline" },
          createdAt: expect.any(String),
        },
        none: null,
        workflows: [{ id: aggregateId, name: "Data Processing Pipeline", description: null, created_at: null }],
        runs: [{ status: "queued" }],
      });
    }));

  test("gets errors as codes, through a port between threads too, and none when its port is closed", () =>
    withDb(backend, async (db) => {
      const { port1, port2 } = new MessageChannel();
      const registration = registerIpc(port1, db);
      const window = connectWindowDb(port2);
      await db.projectionStore.upsert({ table: "workflows", rows: [{ id: "1", name: "One" }] });
      expect(await window.queryProjection({ sql: "SELECT name FROM workflows WHERE id = ?", params: ["1"] })).toEqual([
        { name: "One" },
      ]);
      const refused = await window.queryProjection({ sql: "DELETE FROM workflows" }).catch((error) => error);
      expect(refused).toMatchObject({ code: "SQL_NOT_ALLOWED", message: "Only SELECT statements are allowed." });
      const pending = window.changes()[Symbol.asyncIterator]().next();
      expect(await pending).toEqual({ done: true, value: undefined });
      registration.close();
      const call = window.latestSnapshot({ aggregateId: "x" });
      window.close();
      await expect(call).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
      await expect(window.latestSnapshot({ aggregateId: "x" })).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
      port1.close();
    }));

  test("gets no whole number that would be rounded", () =>
    withDb(backend, async (db) => {
      const { windowQueries, projectionStore } = db;
      for (const query of [windowQueries, projectionStore]) {
        const largest = await query.query({ sql: "SELECT 9007199254740991 AS n, 5.97e24 AS mass" });
        expect(largest).toEqual([{ n: 9_007_199_254_740_991, mass: 5.97e24 }]);
        const rounded = query.query({ sql: "SELECT 9007199254740993 AS n" });
        await expect(rounded).rejects.toThrow(/column "n".* beyond 2\^53.*as text, with CAST/i);
        const text = await query.query({ sql: "SELECT CAST(9007199254740993 AS VARCHAR(20)) AS n" });
        expect(text).toEqual([{ n: "9007199254740993" }]);
      }
    }));

  test("is told that what it gives cannot be copied, and works on", () =>
    withDb(backend, async (db) => {
      const { port1, port2 } = new MessageChannel();
      using _registration = registerIpc(port1, db);
      const window = connectWindowDb(port2);
      const event = { aggregateId: "test:1", eventType: "TestEvent" };
      const refused = await window.appendEvent({ ...event, payload: { at: () => 1 } }).catch((error) => error);
      expect(refused).toMatchObject({ name: "FlowForgeError", code: "INVALID_ARGUMENT" });
      expect(await window.appendEvent({ ...event, payload: { at: 1 } })).toMatchObject({ seq: 1 });
      port1.close();
    }));

  test.each([undefined, null, 5, {}] as never[])("has a port and a database, and %j is none", (given) =>
    withDb(backend, async (db) => {
      const refusal = { name: "FlowForgeError", code: "INVALID_ARGUMENT" };
      const { port1 } = new MessageChannel();
      const refused = (call: () => unknown) => expect(call).toThrow(expect.objectContaining(refusal));
      refused(() => registerIpc(given, db));
      refused(() => connectWindowDb(given));
      if (typeof given !== "object" || given === null) refused(() => registerIpc(port1, given));
      if (given === null) refused(() => registerIpc(port1, db, given));
      expect(port1.listenerCount("message")).toBe(0);
      port1.close();
    }),
  );

  test("is told that the database is closed", () =>
    withDb(backend, async (db) => {
      const { port1, port2 } = new MessageChannel();
      using _registration = registerIpc(port1, db);
      const window = connectWindowDb(port2);
      const aggregateId = "test:1";
      await db.eventStore.append({ aggregateId, eventType: "TestEvent", payload: {} });
      await db.close();
      const calls: Promise<unknown>[] = [
        window.appendEvent({ aggregateId, eventType: "TestEvent", payload: {} }),
        window.loadEvents({ aggregateId }),
        window.latestSnapshot({ aggregateId }),
        window.saveSnapshot({ aggregateId, lastSeq: 1, state: {} }),
        window.queryProjection({ sql: "SELECT 1" }),
        window.upsertProjection({ table: "workflows", rows: [{ id: "1", name: "One" }] }),
      ];
      const errors = await Promise.all(calls.map((call) => call.catch(({ code, message }) => `${code}: ${message}`)));
      expect(errors).toEqual(calls.map(() => "CONNECTION_CLOSED: The database is closed."));
      port1.close();
    }));

  test("that calls without pause is told to wait", () =>
    withDb(backend, async (db) => {
      await using window = new WindowProcess(db);
      const outcomes = (await window.run("flood", 580)) as string[];
      const stored = await db.eventStore.load({ aggregateId: "test:flood" });
      expect(new Set(outcomes)).toEqual(new Set(["stored", "BUSY"]));
      expect(stored).toHaveLength(outcomes.filter((outcome) => outcome === "stored").length);
    }));

  test("that is slow gets the newest of what was published, and what came in between is left out", () =>
    withDb(backend, async (db) => {
      const publication = new LatestValue();
      await using window = new WindowProcess(db, { publication });
      let isDone = false;
      const values = window.run("watch", 3).finally(() => {
        isDone = true;
      });
      for (let value = 1; !isDone; value += 1) {
        publication.set(value);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const [first = 0, second = 0, third = 0] = (await values) as number[];
      expect(second - first).toBeGreaterThan(1);
      expect(third - second).toBeGreaterThan(1);
    }));
});

test("a window's query is told that the database was closed while it ran, or in memory", async () => {
  await using folder = await createTempDir();
  const closed = { code: "CONNECTION_CLOSED", message: "The database is closed." };
  const db = await createDbContext({ path: folder.file("f.db") });
  const sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
  await db.windowQueries.query({ sql: "SELECT 1" });
  const error = db.windowQueries.query({ sql }).catch((error) => error);
  // The process of queries is there, so now it has this one.
  await new Promise((resolve) => setImmediate(resolve));
  await db.close();
  expect(await error).toMatchObject(closed);
  const inMemory = await createDbContext({ path: ":memory:" });
  await inMemory.close();
  await expect(inMemory.windowQueries.query({ sql: "SELECT 1" })).rejects.toMatchObject(closed);
});

describeBackends("a window that goes away", (backend) => {
  test("waits for no published value any more", () =>
    withDb(backend, async (db) => {
      const publication = new LatestValue();
      const waiting: Promise<unknown>[] = [];
      const next = (after: number, signal: AbortSignal) => {
        const published = publication.next(after, signal);
        waiting.push(published);
        return published;
      };
      const { port1, port2 } = new MessageChannel();
      registerIpc(port1, db, { publication: { next } });
      const changes = connectWindowDb(port2).changes()[Symbol.asyncIterator]();
      const last = changes.next();
      await expect.poll(() => waiting.length).toBe(1);
      port2.close();
      expect(await waiting[0]).toBeNull();
      expect(await last).toEqual({ done: true, value: undefined });
    }));
});

describeBackends(`${HOSTILE_REQUESTS.length} hostile requests`, (backend) => {
  test("change nothing, and neither block nor kill the main process", async () => {
    expect(HOSTILE_REQUESTS.length).toBeGreaterThanOrEqual(200);
    await using folder = await createTempDir();
    const windowQueryLimits = { timeMs: QUERY_TIME_MS };
    const db = await createDbContext({ path: folder.file("f.db"), backend, windowQueryLimits });
    await db.eventStore.append({ aggregateId: "run:1", eventType: "RunStarted", payload: {} });
    const run = { id: "run:1", workflow_version_id: "1", trigger: "manual", status: "running" };
    await db.projectionStore.upsert({ table: "runs", rows: [run] });
    await using window = new WindowProcess(db);
    await window.run("sendRaw", [{ method: "queryProjection", args: { sql: "SELECT 1" } }]);
    const before = await contentsOf(db, backend);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const outcomes = (await window.run("sendRaw", HOSTILE_REQUESTS)) as Outcome[];
    const silences = (await window.run("sendRaw", NO_REQUESTS)) as Outcome[];
    delay.disable();
    const accepted = HOSTILE_REQUESTS.filter((_, at) => !isRefusal(outcomes[at]));
    expect(accepted.filter((request) => backend === "sqlite" || !GIANT_REQUESTS.includes(request))).toEqual([]);
    expect(silences.every(({ kind }) => kind === "silence")).toBe(true);
    expect(delay.max / 1e6).toBeLessThan(MAX_DELAY_MS);
    expect(await contentsOf(db, backend)).toEqual(before);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    if ("streams" in db) expect(await (db as SQLiteContext).streams.verify()).toMatchObject({ ok: true });
    // And the window still works.
    const [after] = (await window.run("sendRaw", [
      { method: "queryProjection", args: { sql: "SELECT id FROM runs" } },
    ])) as Outcome[];
    expect(after).toEqual({ kind: "result", result: [{ id: "run:1" }] });
    await db.close();
  }, 180_000);
});

const CODES = [
  ...["INVALID_ARGUMENT", "UNKNOWN_METHOD", "SQL_NOT_ALLOWED", "TABLE_NOT_ALLOWED"],
  ...["QUERY_FAILED", "QUERY_TIMEOUT", "RESULT_TOO_LARGE"],
];

/** A code and a sentence, and nothing of the machine. */
function isRefusal(outcome: Outcome | undefined): boolean {
  if (outcome?.kind !== "error") return false;
  const { code, message, ...rest } = outcome.error;
  const isClean = typeof message === "string" && !/\n|\/|node_modules|\.ts|\.js/.test(message);
  return CODES.includes(code as string) && isClean && Object.keys(rest).length === 0;
}

const TABLES = {
  sqlite:
    "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND sql NOT LIKE '%VIRTUAL%' ORDER BY name",
  duckdb: "SELECT table_name AS name, sql FROM duckdb_tables() ORDER BY table_name",
};

/** Where the lease of the projections is renewed all the time. */
const LEASES = ["es_records", "es_counters"];

/** All rows of all tables. */
async function contentsOf({ projectionStore }: DbContext, backend: BackendName): Promise<unknown> {
  const contents: Record<string, unknown> = {};
  for (const { name, sql } of await projectionStore.query({ sql: TABLES[backend] })) {
    const rows = LEASES.includes(String(name)) ? [] : await projectionStore.query({ sql: `SELECT * FROM "${name}"` });
    contents[String(name)] = { sql, rows };
  }
  return contents;
}
