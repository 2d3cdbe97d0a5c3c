import { randomBytes } from "node:crypto";
import { sql } from "async-streams";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openStore, openStoreWithRun, PROFILES, soloConfig } from "./support/stores.js";

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 28, 10, 0, seconds));

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("the log is read by run, unit, level and time, in the order in which it was written", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const action = "create" as const;
    await store.createPlanUnit({ id: "pu-001", runId: "run-001", resourceType: "t", resourceName: "n", action });
    const lines = [
      { runId: "run-001", level: "info", message: "Starting package installation", details: { package: "apache2" } },
      { runId: "run-001", planUnitId: "pu-001", level: "error", message: "No network" },
      { level: "warning", message: "Clock is off" },
    ] as const;
    const stored = [];
    for (const [index, line] of lines.entries())
      stored.push(await store.appendEvent({ ...line, timestamp: at(index) }));

    expect(await store.listEvents()).toEqual(stored);
    expect(stored.map(({ id: _id, timestamp: _timestamp, ...line }) => line)).toEqual(lines);
    expect(await store.listEvents({ runId: "run-001" })).toEqual(stored.slice(0, 2));
    expect(await store.listEvents({ planUnitId: "pu-001" })).toEqual([stored[1]]);
    expect(await store.listEvents({ runId: "run-001", level: "error" })).toEqual([stored[1]]);
    expect(await store.listEvents({ since: at(1), until: at(2) })).toEqual([stored[1]]);
    expect(await store.listEvents({ after: stored[0]?.id, limit: 1 })).toEqual([stored[1]]);
  });

  test("a line of no run, or of an unknown level, is refused and leaves nothing", async () => {
    const store = await openStore(await makeConfig());
    const ofNoRun = store.appendEvent({ runId: "run-404", level: "info", message: "?" });
    await expect(ofNoRun).rejects.toThrow(/^failed to append event: /);
    const shouted = store.appendEvent({ level: "shout" as never, message: "?" });
    await expect(shouted).rejects.toThrow(/^failed to append event: /);
    expect(await store.listEvents()).toEqual([]);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test.each([1.5, Number.NaN, "x", null, true] as never[])(
    "a list behind %j is refused: nobody could tell it from the end",
    async (after) => {
      const store = await openStoreWithRun(await makeConfig());
      const refused = "after must be a whole number, got ";
      await expect(store.listEvents({ after })).rejects.toThrow(`failed to list events: ${refused}`);
      await expect(store.listAuditEntries({ after })).rejects.toThrow(`failed to list audit entries: ${refused}`);
    },
  );

  test("a key that one profile could not keep is refused by both, and the longest one is kept by both", async () => {
    const store = await openStore(await makeConfig());
    // What is random cannot be compressed, as PostgreSQL does with what its indexes have.
    const longest = () => randomBytes(400).toString("hex");
    const fact = { targetId: longest(), namespace: longest(), key: longest(), value: 1 };
    await store.upsertFact(fact);
    expect(await store.getFact(fact.targetId, fact.namespace, fact.key)).toMatchObject(fact);
    await store.createAuditEntry({ action: longest(), actor: longest(), targetId: longest() });
    const tooLong = `${longest()}x`;
    const refused = "must have at most 800 bytes, got 801";
    await expect(store.upsertFact({ ...fact, key: tooLong })).rejects.toThrow(`failed to upsert fact: key ${refused}`);
    await expect(store.createRun({ id: tooLong, planPath: "/p.json" })).rejects.toThrow(`id ${refused}`);
    await expect(store.createAuditEntry({ action: "a", actor: tooLong })).rejects.toThrow(`actor ${refused}`);
    const resource = { resourceType: "linux.pkg", resourceName: tooLong, state: {} };
    await expect(store.upsertResourceState(resource)).rejects.toThrow(`resourceName ${refused}`);
    // No index has it.
    expect(await store.appendEvent({ level: "info", message: tooLong })).toMatchObject({ message: tooLong });
  });

  test("an empty key is refused by its name, and leaves nothing", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const resource = { resourceType: "linux.pkg", resourceName: "apache2" };
    const unit = { ...resource, id: "pu-001", runId: "run-001", action: "create" } as const;
    const calls = [
      ["append event: runId", () => store.appendEvent({ runId: "", level: "info", message: "x" })],
      ["append event: planUnitId", () => store.appendEvent({ planUnitId: "", level: "info", message: "x" })],
      ["create run: id", () => store.createRun({ id: "", planPath: "/p.json" })],
      ["create plan unit: id", () => store.createPlanUnit({ ...unit, id: "" })],
      ["create plan unit: runId", () => store.createPlanUnit({ ...unit, runId: "" })],
      ["upsert resource state: lastRunId", () => store.upsertResourceState({ ...resource, state: 1, lastRunId: "" })],
      ["upsert fact: key", () => store.upsertFact({ targetId: "host-001", namespace: "os", key: "", value: 1 })],
      ["create audit entry: actor", () => store.createAuditEntry({ action: "run.created", actor: "" })],
    ] as const;
    for (const [what, call] of calls) await expect(call()).rejects.toThrow(`failed to ${what} must not be empty`);
    expect(await store.listRuns()).toHaveLength(1);
    expect(await store.listEvents()).toEqual([]);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test("a text with a NUL, which one profile could not keep, is refused by both", async () => {
    const store = await openStore(await makeConfig());
    await expect(store.createRun({ id: "a\0b", planPath: "/p.json" })).rejects.toThrow("id must be a text without NUL");
    const logged = store.appendEvent({ level: "info", message: "a\0b" });
    await expect(logged).rejects.toThrow("message must be a text without NUL");
    const value = { output: "a\0b" };
    await store.upsertFact({ targetId: "host-001", namespace: "os", key: "output", value });
    expect((await store.getFact("host-001", "os", "output")).value).toEqual(value);
    expect(await store.listEvents()).toEqual([]);
  });

  test("the audit trail has actor, target, details and address, and is read by them", async () => {
    const store = await openStore(await makeConfig());
    const details = { plan: "/plans/deploy.json" };
    const entry = { action: "run.created", actor: "system", targetId: "run-001", details, ipAddress: "10.0.0.7" };
    const first = await store.createAuditEntry({ ...entry, timestamp: at(1) });
    const second = await store.createAuditEntry({ action: "run.completed", actor: "ada", timestamp: at(2) });

    expect(await store.listAuditEntries()).toEqual([first, second]);
    expect(first).toEqual({ ...entry, timestamp: at(1), id: first.id });
    expect(await store.listAuditEntries({ action: "run.created" })).toEqual([first]);
    expect(await store.listAuditEntries({ actor: "ada" })).toEqual([second]);
    expect(await store.listAuditEntries({ action: "run.created", actor: "ada" })).toEqual([]);
    expect(await store.listAuditEntries({ targetId: "run-001" })).toEqual([first]);
  });

  test.each([
    ["a change of the log", sql`UPDATE events SET message = ${"All was well"}`],
    ["a deletion from the log", sql`DELETE FROM events`],
    ["a change of the audit trail", sql`UPDATE audit SET actor = ${"nobody"}`],
    ["a deletion from the audit trail", sql`DELETE FROM audit`],
  ])("%s by hand is refused", async (_name, statement) => {
    const store = await openStore(await makeConfig());
    await store.appendEvent({ level: "error", message: "It failed" });
    await store.createAuditEntry({ action: "run.created", actor: "system" });
    const change = store.withTx((tx) => tx.sql.run(statement));
    await expect(change).rejects.toMatchObject({ cause: { message: expect.stringContaining("append-only") } });
    expect(await store.listEvents()).toMatchObject([{ message: "It failed" }]);
    expect(await store.listAuditEntries()).toMatchObject([{ actor: "system" }]);
  });

  test("a row that was added past the store is found", async () => {
    const store = await openStore(await makeConfig());
    const first = await store.createAuditEntry({ action: "run.created", actor: "system" });
    await store.createAuditEntry({ action: "run.completed", actor: "system" });
    const place = first.id + 2;
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    await store.appendEvent({ level: "info", message: "between" });
    await store.createAuditEntry({ action: "plan.applied", actor: "system" });
    const row = sql`INSERT INTO audit (id, action, actor, timestamp) VALUES (${place}, ${"x"}, ${"y"}, ${"z"})`;
    await store.withTx((tx) => tx.sql.run(row));
    expect(await store.verify()).toMatchObject({ ok: false, problems: [`audit ${place} has no event`] });
  });
});

test("another program cannot replace a row of the log or of the audit trail", async () => {
  const { path } = await soloConfig();
  const store = await openStore({ path });
  await store.appendEvent({ level: "error", message: "It failed" });
  await store.createAuditEntry({ action: "run.created", actor: "system" });
  await store.close();

  // SQLite itself deletes the row that is in the way without a trigger.
  const file = new Database(path);
  for (const [table, column] of [
    ["events", "message"],
    ["audit", "actor"],
  ]) {
    const { id, ...row } = file.prepare(`SELECT * FROM ${table}`).get() as Record<string, unknown>;
    const values = { ...row, id, [`${column}`]: "forged" };
    const columns = Object.keys(values);
    const replace = `REPLACE INTO ${table} (${columns}) VALUES (${columns.map((name) => `@${name}`)})`;
    expect(() => file.prepare(replace).run(values)).toThrow("append-only");
  }
  file.close();
  await store.init();
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
});

test("stored events cannot be changed by hand, and whoever removes the guard is found out", async () => {
  const { path } = await soloConfig();
  const store = await openStore({ path });
  await store.createAuditEntry({ action: "run.created", actor: "system" });
  await store.close();

  const file = new Database(path);
  const forge = () => file.exec(`UPDATE es_events SET data = replace(data, 'system', 'nobody')`);
  expect(forge).toThrow("events are append-only");
  file.exec("DROP TRIGGER es_events_are_never_changed");
  forge();
  file.close();

  await store.init();
  const { ok, problems } = await store.verify();
  expect(ok).toBe(false);
  expect(problems).toContainEqual(expect.stringMatching(/^checksum at 1: /));
  expect(problems).toContainEqual("audit 1 was changed");
});
