import { type SQLStatement, sql } from "async-streams";
import { describe, expect, test } from "vitest";
import type { Store } from "../../../examples/openfroyo/store/store.js";
import { openStore, openStoreWithRun, PROFILES } from "./support/stores.js";

const UNIT = { runId: "run-001", resourceType: "linux.pkg", resourceName: "apache2", action: "create" } as const;
const FINE = { ok: true, problems: [] };

/** Changes the tables past the store. */
async function byHand(store: Store, ...statements: readonly SQLStatement[]): Promise<void> {
  await store.withTx(async (tx) => {
    for (const statement of statements) await tx.sql.run(statement);
  });
}

const forgedEntry = (id: number) =>
  sql`INSERT INTO audit (id, action, actor, timestamp) VALUES (${id}, ${"x"}, ${"y"}, ${"z"})`;

const forgedRun = (id: string, position: number) => sql`
  INSERT INTO runs (id, plan_path, status, started_at, metadata, created_at, updated_at, position)
  VALUES (${id}, '/p.json', 'completed', 't', '{}', 't', 't', ${position})`;

describe.each(PROFILES)("verify, profile %s", (_, makeConfig) => {
  test("finds a line that was removed, and misses none that went with its run", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createRun({ id: "run-002", planPath: "/p.json" });
    await store.createPlanUnit({ ...UNIT, id: "pu-002", runId: "run-002" });
    await store.appendEvent({ runId: "run-002", level: "info", message: "gone with its run" });
    await store.appendEvent({ planUnitId: "pu-002", level: "info", message: "gone with its unit" });
    await store.deleteRun("run-002");
    const { id } = await store.appendEvent({ runId: "run-001", level: "error", message: "It failed" });
    const other = await store.appendEvent({ level: "error", message: "It failed too" });
    const entry = await store.createAuditEntry({ action: "run.failed", actor: "system" });
    expect(await store.verify()).toEqual(FINE);

    await store.migrateDown(1);
    await byHand(store, sql`DELETE FROM events`, sql`DELETE FROM audit`);
    const problems = [`events ${id} is missing`, `events ${other.id} is missing`, `audit ${entry.id} is missing`];
    expect(await store.verify()).toEqual({ ok: false, problems });
  });

  test("finds rows without an event before, between and behind those that have one", async () => {
    const store = await openStore(await makeConfig());
    await store.withTx(
      async (tx) => {
        // A page of events ends with the thousandth.
        for (let n = 0; n < 1_000; n += 1) await tx.createAuditEntry({ action: "run.created", actor: "system" });
        await tx.appendEvent({ level: "info", message: "between two pages" });
        await tx.createAuditEntry({ action: "run.created", actor: "system" });
        await tx.appendEvent({ level: "info", message: "behind the last one" });
      },
      { timeoutMs: 60_000 },
    );
    expect(await store.verify()).toEqual(FINE);
    const ids = [-7, 1_001, 1_003, 9_999];
    await byHand(store, ...ids.map(forgedEntry));
    expect(await store.verify()).toEqual({ ok: false, problems: ids.map((id) => `audit ${id} has no event`) });
  });

  test("finds runs and units that were changed, removed or added", async () => {
    const store = await openStoreWithRun(await makeConfig());
    for (const id of ["pu-001", "pu-002", "pu-003"]) await store.createPlanUnit({ ...UNIT, id });
    await store.updatePlanUnitStatus("pu-001", "running");
    await store.createRun({ id: "run-002", planPath: "/p.json" });
    await store.createRun({ id: "run-003", planPath: "/p.json" });
    await store.deleteRun("run-003");
    expect(await store.verify()).toEqual(FINE);

    await byHand(
      store,
      sql`UPDATE runs SET status = 'completed' WHERE id = 'run-001'`,
      sql`UPDATE plan_units SET status = 'completed' WHERE id = 'pu-001'`,
      sql`DELETE FROM plan_units WHERE id = 'pu-002'`,
      sql`UPDATE plan_units SET id = 'pu-004' WHERE id = 'pu-003'`,
      sql`DELETE FROM runs WHERE id = 'run-002'`,
      forgedRun("run-003", 6),
      forgedRun("run-004", -1),
    );
    const { ok, problems } = await store.verify();
    expect(ok).toBe(false);
    expect([...problems].sort()).toEqual([
      "plan_units pu-001 was changed",
      "plan_units pu-002 is missing",
      "plan_units pu-003 is missing",
      "plan_units pu-004 has no event",
      "runs run-001 was changed",
      "runs run-002 is missing",
      "runs run-003 has no event",
      "runs run-004 has no event",
    ]);
  });

  test("finds states of resources that were changed with their hash, removed or added", async () => {
    const store = await openStore(await makeConfig());
    for (const resourceName of ["apache2", "nginx", "curl"]) {
      for (const version of ["1", "2"]) {
        await store.upsertResourceState({ id: resourceName, resourceType: "pkg", resourceName, state: { version } });
      }
    }
    expect(await store.verify()).toEqual(FINE);
    await byHand(
      store,
      sql`UPDATE resource_state SET state = '{}', hash = ${"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"} WHERE id = 'apache2'`,
      sql`DELETE FROM resource_state WHERE id = 'nginx'`,
      sql`UPDATE resource_state SET resource_name = 'wget' WHERE id = 'curl'`,
    );
    expect(await store.verify()).toEqual({
      ok: false,
      problems: [
        "resource_state apache2 was changed",
        'resource_state of pkg "nginx" is missing',
        'resource_state of pkg "curl" is missing',
        "resource_state curl has no event",
      ],
    });
  });

  test("finds nothing in a store that is written meanwhile", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createPlanUnit({ ...UNIT, id: "pu-001" });
    let isDone = false;
    const writing = (async () => {
      for (let n = 0; !isDone; n += 1) {
        await store.updateRunStatus("run-001", n % 2 === 0 ? "running" : "pending");
        await store.updatePlanUnitStatus("pu-001", n % 2 === 0 ? "running" : "pending");
        await store.upsertResourceState({ ...UNIT, state: { n } });
        await store.createRun({ id: `run-${n}`, planPath: "/p.json" });
        await store.appendEvent({ runId: `run-${n}`, level: "info", message: `${n}` });
        await store.deleteRun(`run-${n}`);
        await store.createAuditEntry({ action: "run.deleted", actor: "system" });
      }
    })();
    for (let round = 0; round < 5; round += 1) expect(await store.verify()).toEqual(FINE);
    isDone = true;
    await writing;
  });
});
