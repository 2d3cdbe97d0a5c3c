/** FlowForge's main process: imports a real data set as a workflow, shows what a window sees of it, and checks the figures. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ALL_STREAM } from "async-streams";
import { loadAggregate } from "./aggregate-state.js";
import { childProgram } from "./child-program.js";
import { createDbContext } from "./create-db-context.js";
import { databasePath, initDb } from "./init-db.js";
import { LatestValue } from "./ipc/publication.js";
import { registerIpc } from "./ipc/register-ipc.js";
import type { DbContext } from "./ports.js";
import { startProjector } from "./projector/start-projector.js";
import type { SQLiteContext } from "./sqlite/sqlite-context.js";
import { defineWorkflow } from "./workflow/define-workflow.js";
import { type PlanetFigures, plainFigures } from "./workflow/plain-figures.js";
import { planetsAndMoons } from "./workflow/planets-and-moons.js";
import { RUN } from "./workflow/run-state.js";
import { resumeRuns, runWorkflow } from "./workflow/run-workflow.js";
import { addSchedule, runScheduled, type Schedule } from "./workflow/schedule.js";

const FILES = {
  planets: new URL("data/planets.csv", import.meta.url),
  moons: new URL("data/moons.json", import.meta.url),
};

const [home, ...others] = process.argv.slice(2);
if (others.length > 0 || home?.startsWith("-") || home === "") {
  console.error("Usage: flowforge [home]");
  process.exit(1);
}
await main(home ?? (await temporaryHome()));

/** Says what is wrong with the place that the user chose: they have no use for a stack. */
function fail(what: string): (error: unknown) => never {
  return (error) => {
    console.error(`${what}: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  };
}

/** It is removed when the process ends. */
async function temporaryHome(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "flowforge-")).catch(fail("Cannot make a temporary home"));
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function main(home: string): Promise<void> {
  const platform = { platform: process.platform, env: {}, home };
  const db = await initDb(platform).catch(fail(`Cannot open ${databasePath(platform)}`));
  try {
    console.log(`Database: ${databasePath(platform)}`);
    await runTwice(db);
    await showWindow(db, join(dirname(databasePath(platform)), "read-models.db"));
    await backUp(db, join(dirname(databasePath(platform)), `backup-${Date.now()}.db`));
  } finally {
    await db.close();
  }
}

/** The workflow by hand, and by a schedule whose time comes twice. */
async function runTwice(db: DbContext): Promise<void> {
  const workflow = planetsAndMoons(FILES);
  await defineWorkflow(db, workflow);
  for (const runId of await resumeRuns(db, workflow)) console.log(`Went on with ${runId}, whose process had ended`);
  const runId = await runWorkflow(db, workflow, { trigger: "manual" });
  if (runId === null) throw new Error("a run without a key was refused");
  await report(db, runId);

  const schedule: Schedule = { id: "schedule:nightly", workflow, cron: "0 3 * * *" };
  await addSchedule(db, schedule);
  const scheduledAt = new Date(new Date().setUTCHours(3, 0, 0, 0));
  const first = await runScheduled(db, schedule, scheduledAt);
  console.log(`Scheduled run for ${scheduledAt.toISOString()}: ${first === null ? "has run before" : "succeeded"}`);
  const second = await runScheduled(db, schedule, scheduledAt);
  console.log(`The same once more: ${second === null ? "nothing to do, it has run" : "RAN TWICE"}`);
}

async function report({ eventStore, projectionStore, blobs }: DbContext, runId: string): Promise<void> {
  const query = (sql: string) => projectionStore.query({ sql, params: [runId] });
  const steps = await query(
    `SELECT nodes.kind, nodes.name, run_steps.status, artifacts.rows FROM run_steps
     JOIN nodes ON nodes.id = run_steps.node_id JOIN artifacts ON artifacts.node_id = nodes.id AND artifacts.run_id = run_steps.run_id
     WHERE run_steps.run_id = ? ORDER BY run_steps.started_at, artifacts.created_at`,
  );
  for (const { kind, name, status, rows } of steps) console.log(`  ${kind} "${name}": ${status}, ${rows} rows`);
  for (const { level, message } of await query(
    "SELECT level, message FROM run_logs WHERE run_id = ? AND level <> 'info'",
  )) {
    console.log(`  ${level}: ${message}`);
  }
  const lineage = await query("SELECT count(*) AS edges FROM lineage WHERE run_id = ?");
  const { state, seq, replayed } = await loadAggregate(eventStore, runId, RUN);
  const again = await loadAggregate(eventStore, runId, RUN);
  console.log(`Run: ${state.status}, ${state.steps} steps, ${lineage[0]?.edges} edges of lineage, ${seq} events`);
  console.log(`Its state replayed ${replayed} events, and with the snapshot ${again.replayed}`);

  const [sink] = await query("SELECT location_uri FROM datasets WHERE id = 'summary' AND ? <> ''");
  const blob = await blobs.get({ key: String(sink?.location_uri).replace(/^blob:/, "") });
  const rows = (blob?.data.toString() ?? "")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const figures: PlanetFigures[] = rows.map(({ planet, large_moons, largest }) => ({
    planet,
    largeMoons: large_moons,
    largest,
  }));
  for (const { planet, largeMoons, largest } of figures)
    console.log(`  ${planet}: ${largeMoons}, the largest is ${largest}`);
  const isEqual = isDeepStrictEqual(figures, await plainFigures(FILES));
  console.log(`Figures equal those computed without a database: ${isEqual ? "yes" : "NO"}`);
  if (!isEqual) process.exitCode = 1;
}

/** A window in a process of its own, and a worker whose projection it watches. */
async function showWindow(db: SQLiteContext, readModelsPath: string): Promise<void> {
  const publication = new LatestValue();
  await using projector = startProjector(db.streams, {
    path: readModelsPath,
    onChange: (totals) => publication.set(totals),
  });
  await using all = await db.streams.openStream(ALL_STREAM);
  await projector.whenProcessed(all.version);
  const { file, folder, execArgv } = childProgram("renderer");
  const child = fork(file, { cwd: folder, execArgv, serialization: "advanced", stdio: "inherit" });
  registerIpc(child, db, { publication, onError: console.error });
  await once(child, "exit");
}

/** A copy of the whole database while it is open. `restoreBackup` puts it in the place of the file. */
async function backUp({ streams, eventStore }: SQLiteContext, path: string): Promise<void> {
  await streams.backup(path);
  const copy = await createDbContext({ path, backend: "sqlite" });
  const aggregateId = "workflow:planets-and-moons";
  const isEqual = isDeepStrictEqual(
    await copy.eventStore.load({ aggregateId }),
    await eventStore.load({ aggregateId }),
  );
  await copy.close();
  console.log(`Backup: ${isEqual ? "opens, with the same events" : "DIFFERS"}`);
}
