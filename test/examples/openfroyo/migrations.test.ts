import { sql } from "async-streams";
import { describe, expect, onTestFinished, test } from "vitest";
import { createStore, type Store } from "../../../examples/openfroyo/index.js";
import { openStore, openStoreWithRun, PROFILES, soloConfig } from "./support/stores.js";

const TABLES = ["audit", "events", "facts", "plan_units", "resource_state", "runs"];

/** Everything that a store knows, apart from facts. */
async function contentsOf(store: Store) {
  const runs = await store.listRuns();
  const units = await Promise.all(runs.map(({ id }) => store.listPlanUnits(id)));
  const [events, audit] = [await store.listEvents(), await store.listAuditEntries()];
  return { runs, units, events, audit, resources: await store.listResourceStates() };
}

async function fill(store: Store): Promise<void> {
  const keys = { runId: "run-001", resourceType: "linux.pkg", resourceName: "apache2", action: "create" } as const;
  await store.createPlanUnit({ ...keys, id: "pu-001", desiredState: { version: "2.4" } });
  await store.updatePlanUnitStatus("pu-001", "running");
  await store.updatePlanUnitStatus("pu-001", "completed", { actualState: { version: "2.4.41" } });
  for (const version of ["2.4.40", "2.4.41"]) {
    await store.upsertResourceState({ ...keys, state: { version }, lastRunId: "run-001" });
  }
  await store.updateRunStatus("run-001", "completed");
  await store.appendEvent({ runId: "run-001", planUnitId: "pu-001", level: "info", message: "done", details: [1] });
  await store.createAuditEntry({ action: "run.completed", actor: "ada", targetId: "run-001" });
  await store.createRun({ id: "run-002", planPath: "/p.json" });
  await store.deleteRun("run-002");
}

test("SQLite has the tables, foreign keys and indexes", async () => {
  const store = await openStore(await soloConfig());
  const read = <Row>(statement: ReturnType<typeof sql>) => store.withTx((tx) => tx.sql.all<Row>(statement));
  const indexed: Record<string, string[]> = {};
  for (const table of TABLES) {
    const indexes = await read<{ name: string }>(sql`SELECT name FROM pragma_index_list(${table}) ORDER BY name`);
    indexed[table] = [];
    for (const { name } of indexes) {
      const columns = await read<{ name: string }>(sql`SELECT name FROM pragma_index_info(${name}) ORDER BY seqno`);
      indexed[table].push(columns.map((column) => column.name).join(", "));
    }
    indexed[table] = [...new Set(indexed[table])].sort();
  }
  expect(indexed).toEqual({
    audit: ["action", "actor", "id", "target_id", "timestamp"],
    events: ["id", "level", "plan_unit_id", "run_id", "timestamp"],
    facts: ["expires_at", "id", "namespace", "target_id", "target_id, namespace", "target_id, namespace, key"],
    plan_units: ["id", "resource_type, resource_name", "run_id", "status"],
    resource_state: ["hash", "id", "last_applied", "last_run_id", "resource_type, resource_name"],
    runs: ["created_at", "id", "started_at", "status"],
  });
  const keys = [];
  for (const table of TABLES) {
    const found = await read<{ key: string }>(sql`
      SELECT "from" || ' -> ' || "table" || '.' || "to" || ' ' || on_delete AS key FROM pragma_foreign_key_list(${table})`);
    keys.push(...found.map(({ key }) => `${table}.${key}`));
  }
  expect(keys.sort()).toEqual([
    "events.plan_unit_id -> plan_units.id CASCADE",
    "events.run_id -> runs.id CASCADE",
    "plan_units.run_id -> runs.id CASCADE",
    "resource_state.last_run_id -> runs.id RESTRICT",
  ]);
});

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("migrations run once", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.migrate();
    expect(await store.listRuns()).toHaveLength(1);
  });

  test("down, and up again: everything that has events is there as before", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await fill(store);
    await store.upsertFact({ targetId: "h", namespace: "os", key: "k", value: 1 });
    const before = await contentsOf(store);
    expect(before.resources).toHaveLength(1);

    await store.migrateDown(0);
    await expect(store.listRuns()).rejects.toThrow(/^failed to list runs: /);
    await store.migrate();
    expect(await contentsOf(store)).toEqual(before);
    await expect(store.getFact("h", "os", "k")).rejects.toThrow("not found");
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    // And what is written from now on goes on from there.
    await store.updateRunStatus("run-001", "running");
    expect((await store.getRun("run-001")).status).toBe("running");
  });

  test("two processes that fill the tables at once fill them once", async () => {
    const config = await makeConfig();
    const first = await openStoreWithRun(config);
    const lines = Array.from({ length: 250 }, (_, n) => ({ level: "info", message: `${n}` }) as const);
    await Promise.all(lines.map((line) => first.appendEvent(line)));
    await fill(first);
    const before = await contentsOf(first);
    const second = createStore(config);
    onTestFinished(() => second.close());
    await second.init();
    await first.migrateDown(0);
    await Promise.all([first.migrate(), second.migrate()]);
    expect(await contentsOf(second)).toEqual(before);
    expect(await second.verify()).toEqual({ ok: true, problems: [] });
  });

  test("down by one step keeps what the step did not make", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const entry = await store.createAuditEntry({ action: "run.created", actor: "ada" });
    await store.migrateDown(1);
    const forge = () => store.withTx((tx) => tx.sql.run(sql`UPDATE audit SET actor = ${"nobody"}`));
    await forge();
    const problems = [`audit ${entry.id} was changed`];
    expect(await store.verify()).toEqual({ ok: false, problems });
    await store.migrate();
    await store.migrateDown("000001_init_schema");
    await store.migrate();
    await expect(forge()).rejects.toThrow();
    expect(await store.listRuns()).toHaveLength(1);
    await expect(store.migrateDown(7)).rejects.toThrow("failed to undo migrations: there is no migration 7");
  });
});
