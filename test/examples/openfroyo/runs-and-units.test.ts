import { describe, expect, test } from "vitest";
import { type NewPlanUnit, SqliteStore } from "../../../examples/openfroyo/index.js";
import { openStore, openStoreWithRun, PROFILES } from "./support/stores.js";

const AT = new Date("2026-11-28T10:00:00.123Z");

const unit = (id: string, dependencies: readonly string[] = []): NewPlanUnit => ({
  id,
  runId: "run-001",
  resourceType: "linux.pkg",
  resourceName: id,
  action: "create",
  dependencies,
});

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("a run is read back as it was created", async () => {
    const store = await openStore(await makeConfig());
    const run = {
      id: "run-001",
      planPath: "/plans/deploy-apache.json",
      status: "pending",
      startedAt: AT,
      metadata: { environment: "production", tags: ["a", null, 1.5] },
      createdAt: AT,
      updatedAt: AT,
    } as const;
    await store.createRun(run);
    expect(await store.getRun("run-001")).toEqual(run);
  });

  test("what is asked for without an id is not there, and is no other one", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createPlanUnit(unit("pu-001"));
    await store.upsertResourceState({ resourceType: "linux.pkg", resourceName: "apache2", state: {} });
    await store.upsertFact({ targetId: "host-001", namespace: "os.basic", key: "os_family", value: "debian" });
    const none = undefined as never;
    await expect(store.getRun(none)).rejects.toThrow(/^failed to get run: not found/);
    await expect(store.getPlanUnit(none)).rejects.toThrow(/^failed to get plan unit: not found/);
    await expect(store.updateRunStatus(none, "running")).rejects.toThrow(/^failed to update run status: not found/);
    await expect(store.deleteRun(none)).rejects.toThrow(/^failed to delete run: not found/);
    await expect(store.getResourceState("linux.pkg", none)).rejects.toThrow(/^failed to get resource state: not found/);
    await expect(store.getFact("host-001", "os.basic", none)).rejects.toThrow(/^failed to get fact: not found/);
    expect(await store.listPlanUnits(none)).toEqual([]);
  });

  test("runs are not listed after one that was deleted: nobody could tell it from the end", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createRun({ id: "run-002", planPath: "/p.json" });
    expect((await store.listRuns({ after: "run-001" })).map(({ id }) => id)).toEqual(["run-002"]);
    await store.deleteRun("run-001");
    await expect(store.listRuns({ after: "run-001" })).rejects.toThrow(
      /^failed to list runs: not found: run "run-001"$/,
    );
  });

  test("a run that is there, and one whose status does not exist, are refused", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await expect(store.createRun({ id: "run-001", planPath: "/other.json" })).rejects.toThrow(
      /^failed to create run: /,
    );
    const unknown = store.createRun({ id: "run-002", planPath: "/p.json", status: "sleeping" as never });
    await expect(unknown).rejects.toThrow(/^failed to create run: /);
    expect(await store.listRuns()).toHaveLength(1);
  });

  test("what a table does not keep is refused, and never thrown", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const unit = { runId: "run-001", resourceType: "linux.pkg", resourceName: "apache2", action: "create" } as const;
    await store.createPlanUnit({ ...unit, id: "pu-000" });
    const refused = [
      store.createRun({ id: 5 as never, planPath: "/p.json" }),
      store.createRun(undefined as never),
      store.createPlanUnit({ ...unit, id: "pu-001", dependencies: "pu-000" as never }),
      store.createPlanUnit({ ...unit, id: "pu-001", dependencies: [1] as never }),
      store.createPlanUnit({ ...unit, id: "pu-001", retries: 1.5 }),
      store.createPlanUnit(undefined as never),
      store.updateRunStatus("run-001", "failed", 5 as never),
      store.updatePlanUnitStatus("pu-000", "failed", { error: 5 as never }),
      store.listEvents({ since: new Date(Number.NaN) }),
      store.appendEvent(undefined as never),
      store.createAuditEntry(undefined as never),
    ];
    for (const result of await Promise.allSettled(refused)) {
      expect(result).toMatchObject({ reason: { message: expect.stringMatching(/^failed to /) } });
    }
    expect(await store.listRuns()).toHaveLength(1);
    expect(await store.listPlanUnits("run-001")).toMatchObject([{ id: "pu-000", status: "pending" }]);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test.each([null, 5, "x"] as never[])("what is no object is refused by its name: %j", async (none) => {
    const store = await openStoreWithRun(await makeConfig());
    const calls = [
      ["create run: run", () => store.createRun(none)],
      ["create plan unit: unit", () => store.createPlanUnit(none)],
      ["update plan unit status: outcome", () => store.updatePlanUnitStatus("pu-001", "failed", none)],
      ["append event: event", () => store.appendEvent(none)],
      ["upsert resource state: resource state", () => store.upsertResourceState(none)],
      ["upsert fact: fact", () => store.upsertFact(none)],
      ["create audit entry: entry", () => store.createAuditEntry(none)],
      ["list runs: filter", () => store.listRuns(none)],
      ["list events: filter", () => store.listEvents(none)],
      ["list audit entries: filter", () => store.listAuditEntries(none)],
    ] as const;
    for (const [what, call] of calls) await expect(call()).rejects.toThrow(`failed to ${what} must be an object, got `);
  });

  test("a time and a limit of another type, and a state that is left out, are refused by their names", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await expect(store.listEvents({ since: "2026" as never })).rejects.toThrow("since must be a Date, got '2026'");
    await expect(store.listEvents({ until: 5 as never })).rejects.toThrow("until must be a Date, got 5");
    await expect(store.listRuns({ limit: Symbol("s") as never })).rejects.toThrow("limit must be a whole number");
    const resource = { resourceType: "linux.pkg", resourceName: "apache2" } as never;
    await expect(store.upsertResourceState(resource)).rejects.toThrow(
      /^failed to upsert resource state: state is missing$/,
    );
  });

  test("runs are listed by status, in the order in which they were created", async () => {
    const store = await openStore(await makeConfig());
    for (const id of ["b", "a", "c"]) await store.createRun({ id, planPath: "/p.json" });
    await store.updateRunStatus("a", "running");
    expect((await store.listRuns()).map(({ id }) => id)).toEqual(["b", "a", "c"]);
    expect((await store.listRuns({ status: "pending" })).map(({ id }) => id)).toEqual(["b", "c"]);
    expect((await store.listRuns({ limit: 1 })).map(({ id }) => id)).toEqual(["b"]);
  });

  test("a run that ends has the time of its end, and its error", async () => {
    let nowMs = AT.getTime();
    const store = await openStoreWithRun({ ...(await makeConfig()), now: () => nowMs });
    await store.updateRunStatus("run-001", "running");
    expect(await store.getRun("run-001")).not.toHaveProperty("completedAt");
    nowMs += 1_000;
    await store.updateRunStatus("run-001", "failed", "no space left");
    const ended = new Date(nowMs);
    expect(await store.getRun("run-001")).toMatchObject({
      status: "failed",
      error: "no space left",
      completedAt: ended,
      updatedAt: ended,
      createdAt: AT,
    });
  });

  test("a unit is read back as it was created, and a unit of no run is refused", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const created = {
      ...unit("pu-001"),
      status: "pending",
      desiredState: { state: "present", version: "2.4" },
      retries: 0,
      createdAt: AT,
      updatedAt: AT,
    } as const;
    await store.createPlanUnit(created);
    expect(await store.listPlanUnits("run-001")).toEqual([created]);
    expect(await store.getPlanUnit("pu-001")).toEqual(created);
    const orphan = store.createPlanUnit({ ...unit("pu-002"), runId: "run-404" });
    await expect(orphan).rejects.toThrow(/^failed to create plan unit: /);
    expect(await store.listPlanUnits("run-404")).toEqual([]);
  });

  test("a unit waits for its dependencies", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createPlanUnit(unit("config", ["package", "folder"]));
    await store.createPlanUnit(unit("package"));
    await store.createPlanUnit(unit("folder"));
    const early = store.updatePlanUnitStatus("config", "running");
    await expect(early).rejects.toThrow('failed to update plan unit status: unit "config" waits for package, folder');
    await store.updatePlanUnitStatus("package", "running");
    await store.updatePlanUnitStatus("package", "completed");
    await expect(store.updatePlanUnitStatus("config", "running")).rejects.toThrow("waits for folder");
    await store.updatePlanUnitStatus("folder", "skipped");
    await store.updatePlanUnitStatus("config", "running");
    expect((await store.getPlanUnit("config")).status).toBe("running");
  });

  test("a completed unit stays completed, and a failed one may be tried again", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createPlanUnit(unit("pu-001"));
    await store.updatePlanUnitStatus("pu-001", "running");
    await store.updatePlanUnitStatus("pu-001", "failed", { error: "no network" });
    expect(await store.getPlanUnit("pu-001")).toMatchObject({ status: "failed", error: "no network", retries: 0 });
    await store.updatePlanUnitStatus("pu-001", "running");
    await store.updatePlanUnitStatus("pu-001", "completed", { actualState: { version: "2.4.41" } });
    const done = await store.getPlanUnit("pu-001");
    expect(done).toMatchObject({ status: "completed", retries: 1, actualState: { version: "2.4.41" } });
    expect(done).not.toHaveProperty("error");
    await expect(store.updatePlanUnitStatus("pu-001", "running")).rejects.toThrow("is completed, and cannot");
    await store.updatePlanUnitStatus("pu-001", "completed");
    expect(await store.getPlanUnit("pu-001")).toEqual(done);
  });

  test("deleting a run deletes its units and log, and is refused while a resource refers to it", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createPlanUnit(unit("pu-001"));
    await store.appendEvent({ runId: "run-001", planUnitId: "pu-001", level: "info", message: "Starting" });
    await store.appendEvent({ level: "info", message: "Of no run" });
    await store.deleteRun("run-001");
    await expect(store.getRun("run-001")).rejects.toThrow("failed to get run: not found");
    expect(await store.listPlanUnits("run-001")).toEqual([]);
    expect((await store.listEvents()).map(({ message }) => message)).toEqual(["Of no run"]);

    await store.createRun({ id: "run-002", planPath: "/p.json" });
    await store.upsertResourceState({ resourceType: "t", resourceName: "n", state: {}, lastRunId: "run-002" });
    await expect(store.deleteRun("run-002")).rejects.toThrow(
      'failed to delete run: run "run-002" is the last one of resource "t" "n"; delete it once another run has changed that',
    );
    expect((await store.getRun("run-002")).id).toBe("run-002");
  });

  test("what is not there is not found, and the error has its cause", async () => {
    const store = await openStore(await makeConfig());
    const failures = [
      [() => store.getRun("x"), 'failed to get run: not found: run "x"'],
      [() => store.getPlanUnit("x"), 'failed to get plan unit: not found: plan unit "x"'],
      [() => store.updateRunStatus("x", "running"), 'failed to update run status: not found: run "x"'],
      [() => store.updatePlanUnitStatus("x", "running"), 'failed to update plan unit status: not found: plan unit "x"'],
      [() => store.getResourceState("t", "n"), 'failed to get resource state: not found: resource "t" "n"'],
      [() => store.getFact("h", "os", "k"), 'failed to get fact: not found: fact "k" in "os" of "h"'],
    ] as const;
    for (const [call, message] of failures) {
      const cause = expect.objectContaining({ name: "NotFoundError" });
      await expect(call()).rejects.toMatchObject({ name: "StoreError", message, cause });
    }
  });
});

test("a configuration and a path of another type are refused when the store is made", () => {
  expect(() => new SqliteStore(null as never)).toThrow("config must be an object, got null");
  expect(() => new SqliteStore({ path: 5 as never })).toThrow("database path is required");
});
