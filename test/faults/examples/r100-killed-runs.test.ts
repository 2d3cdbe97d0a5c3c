import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type StoredEvent, sqliteStreamFactory } from "async-streams";
import { expect } from "vitest";
import { SqliteStore } from "../../../examples/openfroyo/index.js";
import { withoutSlowQueries } from "../../examples/openfroyo/support/without-slow-queries.js";
import { startExample } from "../../examples/support/run-example.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";

const UNITS = 200;

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly state: object;
}

faultTest(
  "R100 a run of 200 units whose process is killed goes on, and does no unit twice",
  { quick: 2, soak: 50 },
  async (laboratory) => {
    // A fast machine has done all units before the last kill, and then begins another run.
    for (let kills = 0; kills < laboratory.rounds; ) kills += await killRun(laboratory, laboratory.rounds - kills);
  },
);

/** Makes one run, whose processes are killed up to so many times before they have done all units. @returns how often */
async function killRun({ rounds, integer, count }: Laboratory, maxKills: number): Promise<number> {
  await using folder = await createTempDir();
  const [plan, target, db] = [folder.file("plan.json"), folder.file("target"), folder.file("openfroyo.db")];
  const resources = makeResources(integer);
  await writeFile(plan, JSON.stringify({ name: "killed", resources }));
  const start = () => startExample("openfroyo/main.ts", { args: [plan, "--target", target, "--db", db, "--once"] });

  let made = new Map<string, string>();
  let kills = 0;
  let isApplied = false;
  while (!isApplied && kills < maxKills) {
    await using applying = start();
    // On average half of the units are done when the last process begins.
    const wanted = integer(0, Math.floor(UNITS / rounds));
    const { lines } = applying;
    await applying.waitFor(() => lines.length > 0 && (doneIn(lines) >= wanted || lines.some(isSummary)));
    await delay(integer(0, 30));
    await applying.kill();
    isApplied = lines.some(isSummary);
    made = await expectKept(made, target);
    if (isApplied) continue;
    kills += 1;
    count("kills");
    count("units that were done at a kill", made.size);
  }
  if (!isApplied) {
    await using last = start();
    const { exitCode, stderr } = await last.ended;
    expect({ exitCode, stderr: withoutSlowQueries(stderr) }).toEqual({ exitCode: 0, stderr: "" });
    await expectKept(made, target);
  }
  await expectDoneOnce(db, resources);
  return kills;
}

/** Folders and files, each of which depends on its folder and on some that come before it. */
function makeResources(integer: (least: number, most: number) => number): Resource[] {
  const resources: Resource[] = [];
  for (let index = 0; index < UNITS; index += 1) {
    const folder = `d${integer(0, Math.floor(index / 10))}`;
    const isFolder = index % 10 === 0;
    const before = Array.from({ length: isFolder ? 0 : integer(0, 3) }, () => resources[integer(0, index - 1)]);
    const dependsOn = new Set(before.map((resource) => `${resource?.type}:${resource?.name}`));
    if (isFolder) resources.push({ type: "fs.folder", name: `d${index / 10}`, dependsOn: [], state: {} });
    else {
      dependsOn.add(`fs.folder:${folder}`);
      const state = { content: `${index}\n`.repeat(integer(1, 1_000)) };
      resources.push({ type: "fs.file", name: `${folder}/f${index}`, dependsOn: [...dependsOn], state });
    }
  }
  return resources;
}

const doneIn = (lines: readonly string[]): number => lines.filter((line) => line.startsWith("  changed")).length;

/** What the program prints when it has done all that there was to do. */
const isSummary = (line: string): boolean => / failed in \d+ ms$/.test(line);

/** What was there is still the same file, written at the same time. @returns what is there now */
async function expectKept(made: ReadonlyMap<string, string>, target: string): Promise<Map<string, string>> {
  const now = new Map<string, string>();
  const entries = await readdir(target, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter(({ name }) => !name.endsWith(".draft"))) {
    const path = join(entry.parentPath, entry.name);
    const { ino, mtimeNs } = await stat(path, { bigint: true });
    // Files that are added change the time of their folder.
    now.set(path, entry.isFile() ? `${ino} ${mtimeNs}` : `${ino}`);
  }
  expect(Object.fromEntries([...made.keys()].map((path) => [path, now.get(path)]))).toEqual(Object.fromEntries(made));
  return now;
}

/**
 * One run; each unit began once and ended once, after those that it depends on. A process that was killed between the end of the
 * run and its last line leaves the next one a run that has nothing to change.
 */
async function expectDoneOnce(path: string, resources: readonly Resource[]): Promise<void> {
  const store = new SqliteStore({ path });
  await store.init();
  const runs = (await store.listRuns()).sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["completed"]));
  const runId = runs[0]?.id ?? "";
  const entries = await store.listAuditEntries({ action: "resource.created" });
  expect(entries.map(({ targetId }) => targetId).sort()).toEqual(
    resources.map(({ type, name }) => `${type}:${name}`).sort(),
  );
  expect((await store.verify()).problems).toEqual([]);
  await store.close();

  await using streams = await sqliteStreamFactory(path, { mode: "readonly" });
  await using stream = await streams.openStream(`run-${runId}`);
  const places = new Map<string, number>();
  for await (const { type, data, version } of stream.read() as AsyncIterable<StoredEvent>) {
    if (type !== "UnitStatusChanged") continue;
    const { id, changes } = data as { id: string; changes: { status: string } };
    const place = `${id.slice(runId.length + 1)} ${changes.status}`;
    expect(places.has(place), `${place} twice`).toBe(false);
    places.set(place, version);
  }
  expect(places.size).toBe(2 * UNITS);
  for (const { type, name, dependsOn } of resources) {
    const began = places.get(`${type}:${name} running`) ?? 0;
    for (const dependency of dependsOn) expect(places.get(`${dependency} completed`)).toBeLessThan(began);
  }
}
