import { access } from "node:fs/promises";
import Database from "better-sqlite3";
import { expect, test, vi } from "vitest";
import { createDbContext, initDb } from "../../../examples/flowforge/index.js";
import { databasePath } from "../../../examples/flowforge/init-db.js";
import { createTempDir } from "../../support/temp-dir.js";
import { describeBackends, withDb } from "./support/backends.js";

test.each([
  ["win32", { APPDATA: "D:\\Data" }, "C:\\Users\\ada", "D:\\Data\\flowforge\\flowforge.db"],
  ["win32", {}, "C:\\Users\\ada", "C:\\Users\\ada\\AppData\\Roaming\\flowforge\\flowforge.db"],
  ["darwin", {}, "/Users/ada", "/Users/ada/Library/Application Support/flowforge/flowforge.db"],
  ["linux", {}, "/home/ada", "/home/ada/.config/flowforge/flowforge.db"],
  ["linux", { XDG_CONFIG_HOME: "/data/ada" }, "/home/ada", "/data/ada/flowforge/flowforge.db"],
  ["linux", { XDG_CONFIG_HOME: "relative" }, "/home/ada", "/home/ada/.config/flowforge/flowforge.db"],
] as const)("on %s with %j the database is in the folder of the platform", (platform, env, home, path) => {
  expect(databasePath({ platform, env, home })).toBe(path);
});

test("initDb makes the folder and the tables once, and opens them afterwards", async () => {
  await using home = await createTempDir();
  const platform = { platform: "linux", env: {}, home: home.path } as const;
  const first = await initDb(platform);
  await access(databasePath(platform));
  await first.eventStore.append({ aggregateId: "workflow:1", eventType: "WorkflowCreated", payload: {} });
  await first.close();
  const second = await initDb(platform);
  expect(await second.eventStore.load({ aggregateId: "workflow:1" })).toHaveLength(1);
  await second.close();
});

const GROUPS = {
  "event store": ["events", "snapshots"],
  catalog: ["schemas", "data_sources", "auth_profiles", "endpoints"],
  workflows: ["workflows", "workflow_versions", "nodes", "edges"],
  components: ["operators", "rule_sets", "request_templates"],
  execution: ["runs", "run_steps", "run_logs", "artifacts", "lineage", "request_executions"],
  projections: ["datasets", "joins"],
  governance: ["schedules", "idempotency_keys", "principals", "permissions"],
};

/** Columns that have the values of the seed alone. */
const CHECKED_COLUMNS = [
  ["workflow_versions", { workflow_id: "w", version: 1 }, "status", ["draft", "active", "archived"]],
  [
    "nodes",
    { workflow_version_id: "v", name: "n", spec_json: {} },
    "kind",
    ["source", "transform", "join", "rule", "http", "branch", "sink"],
  ],
  ["operators", { name: "o", spec_json: {} }, "kind", ["transform", "validation", "aggregate", "enricher"]],
  ["run_logs", { run_id: "r", message: "m" }, "level", ["debug", "info", "warn", "error"]],
  ["permissions", { principal_id: "p", resource: "r" }, "action", ["read", "write", "execute", "admin"]],
] as const;

describeBackends("the schema", (backend) => {
  test("has the tables of the seed's seven groups", () =>
    withDb(backend, async ({ projectionStore }) => {
      for (const table of Object.values(GROUPS).flat()) {
        expect(await projectionStore.query({ sql: `SELECT * FROM ${table}` })).toEqual([]);
      }
    }));

  test("refuses values that the seed does not have", () =>
    withDb(backend, async ({ projectionStore }) => {
      for (const [table, columns, column, values] of CHECKED_COLUMNS) {
        for (const value of values) {
          await projectionStore.upsert({ table, rows: [{ id: "1", ...columns, [column]: value }] });
        }
        const other = projectionStore.upsert({ table, rows: [{ id: "2", ...columns, [column]: "other" }] });
        await expect(other).rejects.toThrow();
      }
    }));
});

test("the log of SQLite cannot be changed by hand, by the main process either", async () => {
  const { eventStore, projectionStore, close } = await createDbContext({ path: ":memory:", backend: "sqlite" });
  await eventStore.append({ aggregateId: "run:1", eventType: "RunStarted", payload: {} });
  for (const sql of ["UPDATE events SET event_type = 'Evil'", "DELETE FROM events"]) {
    await expect(projectionStore.query({ sql })).rejects.toThrow("events are append-only");
  }
  expect(await projectionStore.query({ sql: "SELECT event_type FROM events" })).toEqual([{ event_type: "RunStarted" }]);
  await close();
});

test("another program cannot replace a row of the log", async () => {
  await using folder = await createTempDir();
  const path = folder.file("flowforge.db");
  const db = await createDbContext({ path, backend: "sqlite" });
  await db.eventStore.append({ aggregateId: "run:1", eventType: "RunStarted", payload: {} });
  await db.close();
  const file = new Database(path);
  const row = file.prepare("SELECT * FROM events").get() as Record<string, unknown>;
  const columns = Object.keys(row);
  const replace = `REPLACE INTO events (${columns}) VALUES (${columns.map((name) => `@${name}`)})`;
  expect(() => file.prepare(replace).run({ ...row, event_type: "Evil" })).toThrow("events are append-only");
  file.close();
});

test.each([undefined, null, 5, {}, { path: "" }, { path: ":memory:", backend: "access" }] as never[])(
  "a database of %j is refused with what is wrong",
  async (options) => {
    const opening = createDbContext(options);
    await expect(opening).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("must be"),
    });
  },
);

test("a backend that is not installed is named, with the command that installs it", async () => {
  vi.doMock("@duckdb/node-api", () => {
    throw new Error("Cannot find package");
  });
  const opening = createDbContext({ path: ":memory:", backend: "duckdb" });
  await expect(opening).rejects.toMatchObject({
    code: "NOT_INSTALLED",
    message: 'The backend "duckdb" needs a package that could not be loaded: npm install @duckdb/node-api',
  });
  vi.doUnmock("@duckdb/node-api");
});

test("an unknown backend and an empty path are refused", async () => {
  const refused = { code: "INVALID_ARGUMENT" };
  await expect(createDbContext({ path: ":memory:", backend: "oracle" as "sqlite" })).rejects.toMatchObject(refused);
  await expect(createDbContext({ path: "", backend: "sqlite" })).rejects.toMatchObject(refused);
});

test("a window's query over a database in memory runs in the same process, within the limits", async () => {
  const db = await createDbContext({
    path: ":memory:",
    backend: "sqlite",
    windowQueryLimits: { timeMs: 200, rows: 2 },
  });
  const query = (sql: string) => db.windowQueries.query({ sql });
  expect(await query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await expect(query("DELETE FROM runs")).rejects.toMatchObject({ code: "SQL_NOT_ALLOWED" });
  await expect(query("WITH x AS (SELECT 1) DELETE FROM runs")).rejects.toMatchObject({ code: "SQL_NOT_ALLOWED" });
  const counting = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT";
  await expect(query(`${counting} x FROM c LIMIT 3`)).rejects.toMatchObject({ code: "RESULT_TOO_LARGE" });
  await expect(query(`${counting} count(*) FROM c`)).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
  await db.close();
});
