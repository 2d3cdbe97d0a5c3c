import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { SqliteStore } from "../../examples/openfroyo/index.js";
import { PACKAGE_ROOT } from "../package-root.js";
import type { Workload } from "../workload.js";

const UNITS = 200;
const CONCURRENT_UNITS = 4;
const RUN_ID = "run-001";

const MIGRATIONS = pathToFileURL(join(PACKAGE_ROOT, "examples/openfroyo/migrations/"));

/** The example as its user has it, without a target: what its store alone can do. The original states no figures. */
export const openfroyo: Workload = {
  id: "S2",
  title: "OpenFroyo: a run of 200 units, 4 at a time, and single calls of its store",
  figures: [
    { name: "units of a run", unit: "units/s" },
    { name: "append event", unit: "events/s" },
    { name: "append event, 16 at once", unit: "events/s" },
    { name: "upsert resource state", unit: "upserts/s" },
    { name: "get run", unit: "reads/s" },
    { name: "list 200 units", unit: "ms" },
    { name: "delete expired facts", unit: "facts/s" },
  ],
  subjects: ["library"],
  async run({ folder, durability, size }) {
    const calls = size === "full" ? 2_000 : 50;
    let nowMs = Date.now();
    const path = join(folder, "openfroyo.db");
    // Only here: every process of the benchmarks loads this file, and W8 measures the memory of one.
    const { SqliteStore } = await import("../../examples/openfroyo/index.js");
    const store = new SqliteStore({ path, durability, migrations: MIGRATIONS, now: () => nowMs });
    await store.init();
    await store.migrate();
    await store.createRun({ id: RUN_ID, planPath: "/plans/bench.json", status: "running" });
    await planUnits(store);

    const log = (n: number) =>
      store.appendEvent({ runId: RUN_ID, level: "info", message: `line ${n}`, details: { n } });
    const put = (n: number) =>
      store.upsertResourceState({
        resourceType: "linux.pkg",
        resourceName: `${n % 100}`,
        state: { n },
        lastRunId: RUN_ID,
      });
    const get = () => store.getRun(RUN_ID);
    await rateOf(100, 1, log);
    const results = {
      "units of a run": await rateOf(UNITS, CONCURRENT_UNITS, (n) => doUnit(store, n)),
      "append event": await rateOf(calls, 1, log),
      "append event, 16 at once": await rateOf(calls, 16, log),
      "upsert resource state": await rateOf(calls, 1, put),
      "get run": await rateOf(calls, 1, get),
      "list 200 units": 1_000 / (await rateOf(20, 1, () => store.listPlanUnits(RUN_ID))),
    };
    await discover(store, calls);
    nowMs += 3_600_000;
    const startedAtMs = performance.now();
    const deleted = await store.deleteExpiredFacts();
    const seconds = (performance.now() - startedAtMs) / 1_000;
    await store.close();
    return { ...results, "delete expired facts": deleted / seconds };
  },
};

async function planUnits(store: SqliteStore): Promise<void> {
  await store.withTx(
    async (tx) => {
      for (let n = 0; n < UNITS; n += 1) {
        const resource = { resourceType: "linux.pkg", resourceName: `${n}`, action: "create" } as const;
        await tx.createPlanUnit({ ...resource, id: `pu-${n}`, runId: RUN_ID, desiredState: { n } });
      }
    },
    { timeoutMs: 60_000 },
  );
}

/** What applying a unit stores: its beginning, and in one transaction its end. */
async function doUnit(store: SqliteStore, n: number): Promise<void> {
  await store.updatePlanUnitStatus(`pu-${n}`, "running");
  await store.withTx(async (tx) => {
    await tx.updatePlanUnitStatus(`pu-${n}`, "completed", { actualState: { n } });
    await tx.upsertResourceState({ resourceType: "unit", resourceName: `${n}`, state: { n }, lastRunId: RUN_ID });
    await tx.appendEvent({ runId: RUN_ID, planUnitId: `pu-${n}`, level: "info", message: "created" });
    await tx.createAuditEntry({ action: "resource.created", actor: "bench", targetId: `pu-${n}` });
  });
}

function discover(store: SqliteStore, count: number): Promise<void> {
  return store.withTx(
    async (tx) => {
      for (let n = 0; n < count; n += 1) {
        await tx.upsertFact({ targetId: "host-001", namespace: "bench", key: `${n}`, value: n, ttl: 60 });
      }
    },
    { timeoutMs: 60_000 },
  );
}

/** Makes the calls, some of them at the same time. @returns how many a second */
async function rateOf(count: number, concurrency: number, call: (n: number) => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return count / ((performance.now() - startedAtMs) / 1_000);
}
