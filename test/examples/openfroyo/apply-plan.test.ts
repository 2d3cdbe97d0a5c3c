import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { applyPlan } from "../../../examples/openfroyo/apply/apply-plan.js";
import { type Plan, readPlan } from "../../../examples/openfroyo/apply/plan.js";
import { createTempDir } from "../../support/temp-dir.js";
import { runExample } from "../support/run-example.js";
import { openStore, PROFILES, soloConfig } from "./support/stores.js";
import { withoutSlowQueries } from "./support/without-slow-queries.js";

const WEBSITE = fileURLToPath(new URL("../../../examples/openfroyo/plans/website.json", import.meta.url));
const ACTOR = "ada";

async function tempFolder() {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder;
}

async function planOf(resources: readonly object[]): Promise<string> {
  const path = (await tempFolder()).file("plan.json");
  await writeFile(path, JSON.stringify({ name: "test", resources }));
  return path;
}

/** Every file below a folder, with its content. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    contents[path.slice(folder.length + 1)] = await readFile(path, "utf8");
  }
  return contents;
}

function expectOrderOfDependencies(done: readonly string[], { resources }: Plan): void {
  for (const { id, dependsOn } of resources) {
    for (const dependency of dependsOn) expect(done.indexOf(dependency)).toBeLessThan(done.indexOf(id));
  }
}

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("a plan is applied in the order of its dependencies, and a second run changes nothing", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(WEBSITE);
    const target = (await tempFolder()).file("target");
    const done: string[] = [];
    const onUnit = ({ resourceType, resourceName }: { resourceType: string; resourceName: string }) =>
      done.push(`${resourceType}:${resourceName}`);

    const first = await applyPlan(store, plan, { target, actor: ACTOR, onUnit });
    expect(first).toMatchObject({ isResumed: false, changed: 12, unchanged: 0, failed: 0 });
    expectOrderOfDependencies(done, plan);
    const contents = await contentsOf(target);
    expect(Object.keys(contents).sort()).toEqual([
      ...[".packages/runtime.json", ".packages/site.json", "etc/motd", "etc/site/enabled", "etc/site/server.conf"],
      ...["opt/runtime/bin/serve", "opt/runtime/release", "srv/www/assets/style.css", "srv/www/index.html"],
    ]);
    expect(contents["srv/www/index.html"]).toContain("<h1>It works</h1>");
    expect((await stat(join(target, "etc/site"))).mode & 0o777).toBe(0o750);

    const second = await applyPlan(store, plan, { target, actor: ACTOR });
    expect(second).toMatchObject({ changed: 0, unchanged: 12, failed: 0 });
    expect(await contentsOf(target)).toEqual(contents);

    const trail = await store.listAuditEntries({ actor: ACTOR });
    const actions = trail.map(({ action, targetId }) => [action, targetId]);
    // Units that run at the same time may be committed in another order than their callbacks are called.
    const created = await store.listAuditEntries({ action: "resource.created" });
    const committed = created.map(({ targetId }) => String(targetId));
    expectOrderOfDependencies(committed, plan);
    expect([...committed].sort()).toEqual([...done].sort());
    expect(actions).toEqual([
      ["run.created", first.runId],
      ...committed.map((id) => ["resource.created", id]),
      ["run.completed", first.runId],
      ["run.created", second.runId],
      ["run.completed", second.runId],
    ]);
    expect(await store.getResourceState("fs.file", "etc/motd")).toMatchObject({ lastRunId: first.runId });
  });

  test("what was changed by hand is changed back, and nothing else", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(WEBSITE);
    const target = (await tempFolder()).file("target");
    await applyPlan(store, plan, { target, actor: ACTOR });
    const before = await contentsOf(target);
    await writeFile(join(target, "etc/motd"), "mine");
    await rm(join(target, "srv/www/index.html"));
    const { runId, changed } = await applyPlan(store, plan, { target, actor: ACTOR });
    expect(changed).toBe(2);
    expect(await contentsOf(target)).toEqual(before);
    const lines = await store.listEvents({ runId });
    expect(lines.map(({ message }) => message).sort()).toEqual([
      'updated fs.file "etc/motd"',
      'updated pkg.files "site"',
    ]);
  });

  test("a target that cannot be read is refused before a run begins", async () => {
    const store = await openStore(await makeConfig());
    const target = (await tempFolder()).path;
    const plan = await readPlan(await planOf([{ type: "fs.file", name: "a", state: { content: "x" } }]));
    // A folder is in the way of the file.
    await mkdir(join(target, "a"));
    await expect(applyPlan(store, plan, { target, actor: ACTOR })).rejects.toThrow("EISDIR");
    expect(await store.listRuns()).toEqual([]);
  });
});

test("a unit that fails makes its run fail, and says why", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  const blocked = { type: "fs.file", name: "file/below", dependsOn: ["fs.file:file"], state: { content: "x" } };
  const after = { type: "fs.folder", name: "after", dependsOn: ["fs.file:file/below"] };
  const path = await planOf([{ type: "fs.file", name: "file", state: { content: "" } }, blocked, after]);
  const { runId, changed, failed } = await applyPlan(store, await readPlan(path), { target, actor: ACTOR });
  expect({ changed, failed }).toEqual({ changed: 1, failed: 1 });
  expect(await store.getRun(runId)).toMatchObject({ status: "failed", error: "1 units failed" });
  expect((await store.listPlanUnits(runId)).map(({ status }) => status)).toEqual(["completed", "failed", "pending"]);
  expect(await store.listEvents({ runId, level: "error" })).toMatchObject([
    { message: expect.stringMatching(/file\/below.*(ENOTDIR|EEXIST)/) },
  ]);
  expect(await store.listAuditEntries({ action: "run.failed" })).toHaveLength(1);
});

test.each([
  ["an unknown type", [{ type: "linux.pkg", name: "a" }], 'nothing can make a "linux.pkg" ("a")'],
  ["a path outside", [{ type: "fs.folder", name: "a/../../b" }], "is not a path inside the target"],
  [
    "a missing dependency",
    [{ type: "fs.folder", name: "a", dependsOn: ["x:y"] }],
    'depends on "x:y", which is not there',
  ],
  ["a resource twice", [1, 2].map(() => ({ type: "fs.folder", name: "a" })), '"fs.folder:a" is there twice'],
  [
    "a cycle",
    [
      { type: "fs.folder", name: "a", dependsOn: ["fs.folder:b"] },
      { type: "fs.folder", name: "b", dependsOn: ["fs.folder:a"] },
    ],
    "depends on itself",
  ],
])("a plan with %s is refused", async (_name, resources, message) => {
  await expect(readPlan(await planOf(resources))).rejects.toThrow(message);
});

test("main.ts applies the plan twice, and tells what it did", async () => {
  const { exitCode, stdout, stderr } = await runExample("openfroyo/main.ts");
  expect({ exitCode, stderr: withoutSlowQueries(stderr) }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^Run: 12 changes, 0 unchanged, 0 failed in \d+ ms$/m);
  expect(stdout).toMatch(/^Run: 0 changes, 12 unchanged, 0 failed in \d+ ms$/m);
  expect(stdout.match(/openfroyo resource\.created/g)).toHaveLength(12);
  expect(stdout).toContain("Verified: no problem");
  expect(stdout).toContain('openfroyo_plan_units{status="skipped"} 12');
});
