/** The main job of an orchestrator: apply a plan to a target, twice, and show what the store knows of it. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApplyReport, applyPlan } from "./apply/apply-plan.js";
import { type Plan, readPlan } from "./apply/plan.js";
import { type Arguments, HELP, parseArguments } from "./arguments.js";
import { configOf } from "./config-of-arguments.js";
import { createStore } from "./store/create-store.js";
import type { AuditEntry } from "./store/model.js";
import type { Store } from "./store/store.js";

const ACTOR = "openfroyo";
const PAGE_ENTRIES = 1_000;

async function apply(store: Store, plan: Plan, target: string, { concurrency }: Arguments): Promise<ApplyReport> {
  const startedAtMs = performance.now();
  const report = await applyPlan(store, plan, {
    target,
    actor: ACTOR,
    concurrency,
    onUnit: ({ resourceType, resourceName }, result) => console.log(`  ${result}  ${resourceType} ${resourceName}`),
  });
  const { isResumed, changed, unchanged, failed } = report;
  const durationMs = (performance.now() - startedAtMs).toFixed(0);
  const run = isResumed ? "Went on with a run" : "Run";
  console.log(`${run}: ${changed} changes, ${unchanged} unchanged, ${failed} failed in ${durationMs} ms`);
  const failures = failed === 0 ? [] : await store.listPlanUnits(report.runId);
  for (const { resourceType, resourceName, status, error } of failures) {
    if (status === "failed") console.error(`${resourceType} ${resourceName}: ${error}`);
  }
  return report;
}

/** All of it, page by page: a list has 10,000 entries at most. */
async function* auditTrail(store: Store): AsyncGenerator<AuditEntry> {
  let page: AuditEntry[] = [];
  do {
    page = await store.listAuditEntries({ after: page.at(-1)?.id, limit: PAGE_ENTRIES });
    yield* page;
  } while (page.length === PAGE_ENTRIES);
}

async function showStore(store: Store, folder: string): Promise<void> {
  console.log("Audit:");
  for await (const { timestamp, actor, action, targetId } of auditTrail(store)) {
    console.log(`  ${timestamp.toISOString()} ${actor} ${action} ${targetId}`);
  }
  const { events, tables } = await store.backup(join(folder, "backup.db"));
  console.log(`Backup while open: ${events} events, ${tables.length} tables`);
  const { ok, problems } = await store.verify();
  console.log(ok ? "Verified: no problem" : `Verified: ${problems.join("; ")}`);
  const metrics = (await store.metrics()).split("\n").filter((line) => line.startsWith("openfroyo_plan_units"));
  console.log(`Metrics: ${metrics.join(", ")}`);
}

async function main(args: Arguments): Promise<void> {
  const plan = await readPlan(args.planPath);
  const folder = await mkdtemp(join(tmpdir(), "openfroyo-"));
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const store = createStore(configOf(args, folder));
  try {
    await store.init();
    await store.migrate();
    const target = args.target ?? join(folder, "target");
    console.log(`Applying ${plan.name}: ${plan.resources.length} resources`);
    const reports = [await apply(store, plan, target, args)];
    if (!args.isOnce) {
      console.log("Again:");
      reports.push(await apply(store, plan, target, args));
      await showStore(store, folder);
    }
    if (reports.some(({ failed }) => failed > 0)) process.exitCode = 1;
  } finally {
    await store.close();
  }
}

try {
  const args = parseArguments(process.argv.slice(2));
  if (args.help) console.log(HELP);
  else await main(args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
