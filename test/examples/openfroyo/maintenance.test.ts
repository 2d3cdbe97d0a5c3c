import { access, copyFile, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { sql } from "async-streams";
import parsePrometheusTextFormat from "parse-prometheus-text-format";
import { describe, expect, onTestFinished, test } from "vitest";
import { createStore, type Store } from "../../../examples/openfroyo/index.js";
import type { Fact } from "../../../examples/openfroyo/store/model.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import { openStore, openStoreWithRun, PROFILES, soloConfig } from "./support/stores.js";

const KILLED_BACKUP = fileURLToPath(new URL("support/killed-backup.ts", import.meta.url));

async function backupPath(): Promise<string> {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.file("openfroyo-20261128.db");
}

/** Facts, and the files of packages. */
async function addWhatHasNoEvents(store: Store): Promise<{ fact: Fact; artifact: string }> {
  const fact = await store.upsertFact({
    targetId: "host-001",
    namespace: "os.basic",
    key: "os_family",
    value: "debian",
  });
  const artifact = "packages/runtime/1";
  await store.artifacts.put(artifact, Buffer.from("#!/bin/sh"), { contentType: "text/plain" });
  return { fact, artifact };
}

async function textOf({ artifacts }: Store, key: string): Promise<string | undefined> {
  const blob = await artifacts.get(key);
  return blob === null ? undefined : text(blob.data);
}

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("a backup is made while the store is written, and a store goes on from it", async () => {
    const config = await makeConfig();
    const store = await openStoreWithRun(config);
    const path = await backupPath();
    const [report] = await Promise.all([
      store.backup(path),
      ...Array.from({ length: 20 }, (_, n) => store.appendEvent({ runId: "run-001", level: "info", message: `${n}` })),
    ]);
    expect(report.path).toBe(path);

    const restored = createStore(await makeConfig());
    onTestFinished(() => restored.close());
    await restored.restore(path);
    await restored.migrate();
    expect(await restored.listRuns()).toEqual(await store.listRuns());
    const copied = await restored.listEvents();
    expect(copied).toEqual((await store.listEvents()).slice(0, copied.length));
    await restored.updateRunStatus("run-001", "running");
    expect((await restored.getRun("run-001")).status).toBe("running");
    expect(await restored.verify()).toEqual({ ok: true, problems: [] });
    await expect(restored.restore(path)).rejects.toThrow("failed to restore database: it is open; close it first");
  });

  test("a backup has all tables, and is the file of a store", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const { fact, artifact } = await addWhatHasNoEvents(store);
    const path = await backupPath();
    const { events, tables } = await store.backup(path);
    const names = tables.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["audit", "events", "facts", "plan_units", "resource_state", "runs"]));
    expect(events).toBe(1);
    expect(await readdir(dirname(path))).toEqual([basename(path)]);
    const copy = await openStore({ path });
    expect(await copy.getRun("run-001")).toEqual(await store.getRun("run-001"));
    expect(await copy.getFact("host-001", "os.basic", "os_family")).toEqual(fact);
    expect(await textOf(copy, artifact)).toBe("#!/bin/sh");
    expect(await copy.verify()).toEqual({ ok: true, problems: [] });
  });

  test("what has no events is restored too, in a store that had its tables already", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const { fact, artifact } = await addWhatHasNoEvents(store);
    const path = await backupPath();
    await store.backup(path);
    const restored = await openStore(await makeConfig());
    // Twice: as after a crash within the first.
    for (let attempts = 0; attempts < 2; attempts += 1) {
      await restored.close();
      await restored.restore(path);
    }
    await restored.migrate();
    expect(await restored.listRuns()).toEqual(await store.listRuns());
    expect(await restored.getFact("host-001", "os.basic", "os_family")).toEqual(fact);
    expect(await textOf(restored, artifact)).toBe("#!/bin/sh");
    expect(await restored.verify()).toEqual({ ok: true, problems: [] });
  });

  test("a backup that cannot be made, or restored, leaves no file and no connection", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const path = await backupPath();
    await store.backup(path);
    await expect(store.backup(path)).rejects.toThrow(/^failed to back up database: /);
    const aborted = store.backup(`${path}-2`, { signal: AbortSignal.abort(new Error("not now")) });
    await expect(aborted).rejects.toThrow("failed to back up database: not now");
    expect(await readdir(dirname(path))).toEqual([basename(path)]);
    const restored = createStore(await makeConfig());
    await expect(restored.restore(`${path}-3`)).rejects.toThrow(/^failed to restore database: /);
    await restored.restore(path);
    await restored.close();
  });

  test.each([undefined, {}, 5, ""] as never[])("a backup to what is no path is refused by it: %j", async (path) => {
    const store = await openStoreWithRun(await makeConfig());
    const refused = store.backup(path);
    await expect(refused).rejects.toThrow(/^failed to back up database: .*path.* of a new file, got /);
    await expect(refused).rejects.not.toThrow("events-");
  });

  test("metrics are text that a Prometheus parser reads", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.createRun({ id: "run-002", planPath: "/p.json", status: "running" });
    await store.appendEvent({ level: "error", message: "x" });
    await store.upsertResourceState({ resourceType: 'odd "type"\n\\', resourceName: "n", state: {} });
    await expect(store.getRun("run-404")).rejects.toThrow();

    const families = parsePrometheusTextFormat(await store.metrics());
    const metricsOf = (name: string) => families.find((family) => family.name === name)?.metrics;
    expect(metricsOf("openfroyo_runs")).toEqual(
      expect.arrayContaining([
        { labels: { status: "pending" }, value: "1" },
        { labels: { status: "running" }, value: "1" },
      ]),
    );
    expect(metricsOf("openfroyo_events")).toEqual([{ labels: { level: "error" }, value: "1" }]);
    expect(metricsOf("openfroyo_resources")).toEqual([{ labels: { type: 'odd "type"\n\\' }, value: "1" }]);
    expect(metricsOf("openfroyo_operations_total")).toEqual(
      expect.arrayContaining([
        { labels: { operation: "create_run", outcome: "ok" }, value: "2" },
        { labels: { operation: "get_run", outcome: "error" }, value: "1" },
      ]),
    );
    const durations = families.find(({ name }) => name === "openfroyo_operation_duration_seconds");
    expect(durations?.type).toBe("HISTOGRAM");
    // The parser takes all histograms of a family for one.
    expect(await store.metrics()).toMatch(
      /^openfroyo_operation_duration_seconds_bucket\{operation="create_run",le="\+Inf"\} 2\n.*_sum\{operation="create_run"\} [\d.e-]+\n.*_count\{operation="create_run"\} 2$/m,
    );
    expect(metricsOf("openfroyo_store_position")).toEqual([{ value: "4" }]);
  });

  test("a slow statement is reported with its names, and without its values", async () => {
    const slow: string[] = [];
    const config = {
      ...(await makeConfig()),
      slowQueryMs: 0,
      onSlowQuery: ({ text }: { text: string }) => slow.push(text),
    };
    const store = await openStore(config);
    await store.upsertFact({ targetId: "host-001", namespace: "secrets", key: "password", value: "hunter2" });
    expect(slow).toContainEqual(expect.stringMatching(/^INSERT INTO facts \(id, .* VALUES \(\?, .* RETURNING \*$/));
    expect(slow.join("\n")).not.toContain("hunter2");
    const fast = await openStore({ ...(await makeConfig()), slowQueryMs: 60_000, onSlowQuery: () => expect.fail() });
    await fast.createRun({ id: "run-001", planPath: "/p.json" });
  });
});

test.each(PROFILES.filter(([name]) => name === "cluster"))(
  "a backup of profile %s that was killed leaves nothing after the next one to its path, and no other takes its files",
  async (_, makeConfig) => {
    const config = await makeConfig();
    const store = await openStoreWithRun(config);
    const path = await backupPath();
    await using killed = new NodeProcess(compiledProgram(KILLED_BACKUP), { args: [JSON.stringify(config), path] });
    expect(await killed.ended).toMatchObject({ exitCode: null, stderr: "" });
    expect(await readdir(dirname(path))).toContainEqual(expect.stringContaining(`${basename(path)}.events-`));

    const backups = await Promise.allSettled([store.backup(path), store.backup(path)]);
    expect(backups.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await readdir(dirname(path))).toEqual([basename(path)]);
    const copy = await openStore({ path });
    expect(await copy.listRuns()).toEqual(await store.listRuns());
  },
);

test("a store that is opened twice at once, and closed while it is opened, is closed as a whole", async () => {
  const { path } = await soloConfig();
  const store = createStore({ path });
  await Promise.all([store.init(), store.init()]);
  await store.migrate();
  await store.createRun({ id: "run-001", planPath: "/plans/deploy-apache.json" });
  await store.close();
  // The last one that closes the file removes its log.
  expect(await readdir(dirname(path))).not.toContain(`${basename(path)}-wal`);

  const [opened] = await Promise.all([store.init(), store.close()]);
  expect(opened).toBeUndefined();
  await expect(store.getRun("run-001")).rejects.toThrow("database not initialized");
  const other = createStore(await soloConfig());
  onTestFinished(() => other.close());
  const [first, second] = await Promise.allSettled([other.restore(path), other.restore(path)]);
  expect(first.status).toBe("fulfilled");
  expect(second).toMatchObject({ reason: { message: "failed to restore database: it is open; close it first" } });
});

test("space is given back on a schedule, and closing the store ends it", async () => {
  const errors: unknown[] = [];
  const { path } = await soloConfig();
  const store = await openStore({ path, vacuumIntervalMs: 5, onVacuumError: (error) => errors.push(error) });
  const value = "x".repeat(20_000);
  await store.withTx(async (tx) => {
    for (let n = 0; n < 50; n += 1) {
      await tx.upsertFact({ targetId: "h", namespace: "n", key: `${n}`, value, expiresAt: new Date(0) });
    }
  });
  const freePages = () =>
    store.withTx((tx) => tx.sql.all(sql`SELECT freelist_count AS pages FROM pragma_freelist_count`));
  expect(await store.deleteExpiredFacts()).toBe(50);
  await expect.poll(freePages).toEqual([{ pages: 0 }]);
  await store.close();
  expect(errors).toEqual([]);
});

test.each(PROFILES)("profile %s goes on from a backup that has events alone", async (_, makeConfig) => {
  await using file = await createTempDir();
  const path = file.file("events.db");
  const store = await openStoreWithRun({ path });
  await store.migrateDown(0);
  await store.close();
  const restored = createStore(await makeConfig());
  onTestFinished(() => restored.close());
  await restored.restore(path);
  await restored.migrate();
  expect(await restored.listRuns()).toHaveLength(1);
});

test("the folder of a database is made, and without a path it is ./data/openfroyo.db", async () => {
  await using folder = await createTempDir();
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    const store = createStore({});
    await store.init();
    await store.close();
    await access(join(folder.path, "data", "openfroyo.db"));
  } finally {
    process.chdir(before);
  }
});

test("a database whose restore was interrupted is opened once the backup is restored again", async () => {
  const config = await soloConfig();
  const store = await openStoreWithRun(config);
  const path = await backupPath();
  await store.backup(path);
  await store.createRun({ id: "run-002", planPath: "/p.json" });
  await store.close();
  // As a crash leaves it once the restore is decided.
  await copyFile(path, `${config.path}.restored`);
  await expect(store.init()).rejects.toThrow(/a restore of .* was interrupted/);

  await store.restore(path);
  onTestFinished(() => store.close());
  expect((await store.listRuns()).map(({ id }) => id)).toEqual(["run-001"]);
  const former = await openStore({ path: `${config.path}.former` });
  expect(await former.listRuns()).toHaveLength(2);
});
