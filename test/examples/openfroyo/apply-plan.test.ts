import {
  access,
  chmod,
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { applyPlan } from "../../../examples/openfroyo/apply/apply-plan.js";
import { type Plan, readPlan } from "../../../examples/openfroyo/apply/plan.js";
import { parseArguments } from "../../../examples/openfroyo/arguments.js";
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

async function planOf(resources: readonly unknown[]): Promise<string> {
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
    await access(join(target, "opt/runtime/bin/serve"), constants.X_OK);

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

  test("a run that was interrupted is gone on with in its target alone", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(
      await planOf([
        { type: "fs.folder", name: "a" },
        { type: "fs.folder", name: "b" },
      ]),
    );
    const [target, other] = [(await tempFolder()).path, (await tempFolder()).path];
    const interrupted = new Error("interrupted");
    const options = { target, actor: ACTOR, concurrency: 1 };
    const onUnit = () => {
      throw interrupted;
    };
    await expect(applyPlan(store, plan, { ...options, onUnit })).rejects.toBe(interrupted);
    expect(await readdir(target)).toEqual(["a"]);

    expect(await applyPlan(store, plan, { ...options, target: other })).toMatchObject({ isResumed: false, changed: 2 });
    expect(await readdir(other)).toEqual(["a", "b"]);
    expect(await applyPlan(store, plan, options)).toMatchObject({ isResumed: true, changed: 1 });
    expect(await readdir(target)).toEqual(["a", "b"]);
    expect(await store.listRuns({ status: "running" })).toEqual([]);
  });

  test("a plan is refused while another one is applied to its target, and goes on in others", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(await planOf([{ type: "fs.folder", name: "a" }]));
    const [target, other] = [(await tempFolder()).path, (await tempFolder()).path];
    const busy = new Proxy(store, {
      get(_, key) {
        const value: unknown = Reflect.get(store, key, store);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          if (key === "listPlanUnits") {
            const refused = applyPlan(store, plan, { target, actor: "bob" });
            await expect(refused).rejects.toThrow(`another process applies a plan to ${target}`);
            expect(await applyPlan(store, plan, { target: other, actor: "bob" })).toMatchObject({ changed: 1 });
          }
          return value.apply(store, given);
        };
      },
    });
    expect(await applyPlan(busy, plan, { target, actor: ACTOR })).toMatchObject({ changed: 1 });
    expect(await applyPlan(store, plan, { target, actor: "bob" })).toMatchObject({ changed: 0, unchanged: 1 });
  });

  test("of plans that are begun at once for one target, one is applied", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(await planOf([{ type: "fs.folder", name: "a" }]));
    const target = (await tempFolder()).path;
    const ended = await Promise.allSettled(
      Array.from({ length: 3 }, () => applyPlan(store, plan, { target, actor: ACTOR })),
    );
    const refused = {
      status: "rejected",
      reason: { message: expect.stringContaining("another process applies a plan") },
    };
    expect(ended).toMatchObject([{ status: "fulfilled", value: { changed: 1 } }, refused, refused]);
    expect(await store.listRuns()).toHaveLength(1);
  });

  test("a mode that begins with 0 is no change in a second run", async () => {
    const store = await openStore(await makeConfig());
    const plan = await readPlan(await planOf([{ type: "fs.folder", name: "a", state: { mode: "050" } }]));
    const options = { target: (await tempFolder()).path, actor: ACTOR };
    expect(await applyPlan(store, plan, options)).toMatchObject({ changed: 1 });
    expect(await applyPlan(store, plan, options)).toMatchObject({ changed: 0, unchanged: 1 });
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
    // A link that leads to itself.
    await symlink("a", join(target, "a"));
    await expect(applyPlan(store, plan, { target, actor: ACTOR })).rejects.toThrow("ELOOP");
    expect(await store.listRuns()).toEqual([]);
  });
});

test("a process that was held up so long that another one has done its plan is refused, and nothing is recorded twice", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  const plan = await readPlan(await planOf(["a", "b"].map((name) => ({ type: "fs.folder", name }))));
  let transactions = 0;
  const slow = new Proxy(store, {
    get(_, key) {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => {
        // The first one takes the lease, the second one begins the run, the third one ends a unit.
        if (key === "withTx" && ++transactions === 3) {
          const later = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
          await applyPlan(store, plan, { target, actor: "bob" }).finally(() => later.mockRestore());
        }
        return value.apply(store, given);
      };
    },
  });
  const applying = applyPlan(slow, plan, { target, actor: ACTOR, concurrency: 1 });
  await expect(applying).rejects.toThrow(/^unit ".*" is completed: another process applies this plan too$/);
  const entries = await store.listAuditEntries({ action: "resource.created" });
  expect(entries.map(({ targetId }) => targetId)).toEqual(["fs.folder:a", "fs.folder:b"]);
  expect(await store.listRuns()).toMatchObject([{ status: "completed" }]);
});

test("an apply that fails in a callback keeps its target until the units have ended that it has begun", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  const plan = await readPlan(await planOf(["quick", "slow"].map((name) => ({ type: "fs.folder", name }))));
  let goOn = () => {};
  const isReleased = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slow = new Proxy(store, {
    get(_, key) {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => {
        if (key === "updatePlanUnitStatus" && String(given[0]).endsWith("slow")) await isReleased;
        return value.apply(store, given);
      };
    },
  });
  const failure = new Error("the callback has failed");
  const onUnit = vi.fn(() => {
    throw failure;
  });
  const applying = applyPlan(slow, plan, { target, actor: ACTOR, onUnit }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(onUnit).toHaveBeenCalledOnce());
  const other = applyPlan(store, plan, { target, actor: "bob" });
  await expect(other).rejects.toThrow(`another process applies a plan to ${target}`);

  goOn();
  expect(await applying).toBe(failure);
  expect((await readdir(target)).sort()).toEqual(["quick", "slow"]);
  expect(await applyPlan(store, plan, { target, actor: "bob" })).toMatchObject({ isResumed: true, changed: 0 });
});

test("a run that is cancelled begins no other unit, and stays cancelled", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  const plan = await readPlan(await planOf(["a", "b", "c"].map((name) => ({ type: "fs.folder", name }))));
  const cancelling = new Proxy(store, {
    get(_, key) {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => {
        const isLate = key === "updatePlanUnitStatus" && String(given[0]).endsWith("b");
        for (const { id } of isLate ? await store.listRuns() : [])
          await store.updateRunStatus(id, "cancelled", "enough");
        return value.apply(store, given);
      };
    },
  });
  const applying = applyPlan(cancelling, plan, { target, actor: ACTOR, concurrency: 1 });
  await expect(applying).rejects.toThrow(/^run ".*" is cancelled; apply the plan again to begin a new one$/);
  // The unit that had begun was ended.
  expect((await readdir(target)).sort()).toEqual(["a", "b"]);
  expect(await store.listRuns()).toMatchObject([{ status: "cancelled", error: "enough" }]);
  expect(await store.listAuditEntries({ action: "run.completed" })).toEqual([]);
  const again = await applyPlan(store, plan, { target, actor: ACTOR });
  expect(again).toMatchObject({ isResumed: false, changed: 1, unchanged: 2 });
});

test("two programs that apply a plan to one target at once make one run, and each unit once", async () => {
  const folder = await tempFolder();
  const resources = Array.from({ length: 40 }, (_, index) => ({ type: "fs.file", name: `d/f${index}` }));
  const [target, db] = [folder.file("target"), folder.file("openfroyo.db")];
  const args = [await planOf(resources), "--once", "--target", target, "--db", db];
  const store = await openStore({ path: db });
  const ended = await Promise.all([1, 2].map(() => runExample("openfroyo/main.ts", { args })));
  for (const { exitCode, stderr } of ended) {
    // The later one may come when the other one has ended.
    if (exitCode !== 0)
      expect(stderr).toContain(`another process applies a plan to ${target}; wait until it has ended`);
  }
  expect(ended.map(({ exitCode }) => exitCode)).toContain(0);
  const entries = await store.listAuditEntries({ action: "resource.created" });
  expect(entries.map(({ targetId }) => targetId).sort()).toEqual(resources.map(({ name }) => `fs.file:${name}`).sort());
  expect(await store.listRuns({ status: "running" })).toEqual([]);
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

test("a file in the place of a folder, and a folder in that of a file, is no success: the run says which", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  // With the mode that the folder should have.
  await writeFile(join(target, "bin"), "#!/bin/sh\n", { mode: 0o755 });
  await mkdir(join(target, "motd"));
  const plan = await readPlan(
    await planOf([
      { type: "fs.folder", name: "bin" },
      { type: "fs.file", name: "motd", state: { content: "hello" } },
    ]),
  );
  const { runId, failed } = await applyPlan(store, plan, { target, actor: ACTOR });
  expect(failed).toBe(2);
  expect((await store.listPlanUnits(runId)).map(({ status, error }) => [status, error])).toEqual([
    ["failed", `${join(target, "bin")} is no folder; remove it, and apply the plan again`],
    ["failed", `${join(target, "motd")} is a folder; remove it, and apply the plan again`],
  ]);
  expect((await readdir(target)).sort()).toEqual(["bin", "motd"]);
});

test.each([0, 0.5, Number.NaN])("%s units at the same time are refused before a run begins", async (concurrency) => {
  const store = await openStore(await soloConfig());
  const plan = await readPlan(await planOf([{ type: "fs.folder", name: "a" }]));
  const options = { target: (await tempFolder()).path, actor: ACTOR, concurrency };
  await expect(applyPlan(store, plan, options)).rejects.toThrow("concurrency must be a whole number from 1");
  expect(await store.listRuns()).toEqual([]);
});

test.each([
  ["is empty", ""],
  ["is no manifest", '{ "files": [] }'],
  ["names files outside of the target", '{ "version": "1", "into": "www", "files": { "../../kept": "" } }'],
  ["names its folder as a file", '{ "version": "1", "into": "www", "files": { ".": "" } }'],
  ["has begun outside of the target", '{ "version": "1", "into": "www", "files": {}, "begun": ["../kept"] }'],
])("a package whose manifest %s is installed again, and nothing outside is touched", async (_, manifest) => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  await mkdir(folder.file("source"));
  await writeFile(folder.file("source/index.html"), "hello");
  await writeFile(folder.file("kept"), "kept");
  const resources = [{ type: "pkg.files", name: "site", state: { source: "source", into: "www" } }];
  await writeFile(folder.file("plan.json"), JSON.stringify({ name: "test", resources }));
  const plan = await readPlan(folder.file("plan.json"));
  await applyPlan(store, plan, { target, actor: ACTOR });
  await writeFile(join(target, ".packages/site.json"), manifest);

  expect(await applyPlan(store, plan, { target, actor: ACTOR })).toMatchObject({ changed: 1, failed: 0 });
  expect(await applyPlan(store, plan, { target, actor: ACTOR })).toMatchObject({ changed: 0, unchanged: 1 });
  expect(await readFile(folder.file("kept"), "utf8")).toBe("kept");
});

test.each([
  ["a folder of a file", "etc", "fs.file:etc/motd"],
  ["a file", "etc/motd", "fs.file:etc/motd"],
  ["a folder", "srv", "fs.folder:srv"],
  ["a folder of a package", "www/assets", "pkg.files:site"],
  ["the folder of manifests", ".packages", "pkg.files:site"],
])("a link out of the target in the place of %s is refused, and nothing outside is touched", async (_, place, id) => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  for (const path of ["source/assets", "outside", join("target", place, "..")]) {
    await mkdir(folder.file(path), { recursive: true, mode: 0o755 });
  }
  await writeFile(folder.file("source/assets/style.css"), "style");
  await writeFile(folder.file("outside/kept"), "kept");
  const [type = "", name = ""] = id.split(":");
  const states: Record<string, object> = {
    "fs.file": { content: "hello" },
    "fs.folder": { mode: "700" },
    "pkg.files": { source: "source", into: "www" },
  };
  await writeFile(
    folder.file("plan.json"),
    JSON.stringify({ name: "test", resources: [{ type, name, state: states[type] }] }),
  );
  const plan = await readPlan(folder.file("plan.json"));
  for (const aim of ["outside", "outside/kept", "outside/new"]) {
    const link = join(target, place);
    await symlink(folder.file(aim), link);
    // A package that is not there yet is first looked at in its run.
    const reason = await applyPlan(store, plan, { target, actor: ACTOR }).then(
      async ({ runId }) => (await store.listPlanUnits(runId))[0]?.error,
      (error: Error) => error.message,
    );
    expect(reason).toContain("leads out of");
    expect(await readdir(folder.file("outside"))).toEqual(["kept"]);
    expect((await stat(folder.file("outside"))).mode & 0o777).toBe(0o755);
    await rm(link);
  }
});

test("a link within the target is as good as a folder, and one in the place of a draft is not followed", async () => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  await mkdir(join(target, "within"), { recursive: true });
  await writeFile(folder.file("kept"), "kept");
  await symlink("within", join(target, "etc"));
  await symlink(folder.file("kept"), join(target, "within/motd.openfroyo.draft"));
  const plan = await readPlan(await planOf([{ type: "fs.file", name: "etc/motd", state: { content: "hello" } }]));
  expect(await applyPlan(store, plan, { target, actor: ACTOR })).toMatchObject({ changed: 1, failed: 0 });
  expect(await contentsOf(target)).toEqual({ "within/motd": "hello" });
  expect(await readFile(folder.file("kept"), "utf8")).toBe("kept");
});

test("a file whose name is that of another with an ending is as planned, at once and after a second run", async () => {
  const store = await openStore(await soloConfig());
  const target = (await tempFolder()).path;
  const names = ["motd", "motd.draft", "motd.draft.draft"];
  const plan = await readPlan(await planOf(names.map((name) => ({ type: "fs.file", name, state: { content: name } }))));
  const made = Object.fromEntries(names.map((name) => [name, name]));
  expect(await applyPlan(store, plan, { target, actor: ACTOR })).toMatchObject({ changed: 3, failed: 0 });
  expect(await contentsOf(target)).toEqual(made);
  expect(await applyPlan(store, plan, { target, actor: ACTOR })).toMatchObject({ changed: 0, failed: 0 });
  expect(await contentsOf(target)).toEqual(made);
});

test("what a version has installed that came to no end is removed by the next one", async () => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  const apply = async (version: string, into: string, names: readonly string[]) => {
    await mkdir(folder.file(`source/${version}`), { recursive: true });
    for (const name of names) {
      await mkdir(dirname(folder.file(`source/${version}/${name}`)), { recursive: true });
      await writeFile(folder.file(`source/${version}/${name}`), version);
    }
    const state = { version, source: `source/${version}`, into };
    await writeFile(
      folder.file("plan.json"),
      JSON.stringify({ name: "test", resources: [{ type: "pkg.files", name: "site", state }] }),
    );
    return applyPlan(store, await readPlan(folder.file("plan.json")), { target, actor: ACTOR });
  };
  expect(await apply("1", "www", ["index.html"])).toMatchObject({ changed: 1 });
  // A folder is in the way of its second file.
  for (const into of ["www", "web"]) await mkdir(join(target, into, "style.css"), { recursive: true });
  expect(await apply("2", "www", ["about.html", "index.html", "style.css"])).toMatchObject({ failed: 1 });
  expect(await apply("3", "web", ["about.html", "style.css"])).toMatchObject({ failed: 1 });
  expect(Object.keys(await contentsOf(target)).sort()).toEqual([
    ...[".packages/site.json", "web/about.html", "www/about.html", "www/index.html"],
  ]);
  expect(await apply("1", "www", ["index.html"])).toMatchObject({ changed: 1, failed: 0 });
  expect(Object.keys(await contentsOf(target)).sort()).toEqual([".packages/site.json", "www/index.html"]);
  expect(await apply("1", "www", ["index.html"])).toMatchObject({ changed: 0, unchanged: 1 });
});

test("a version may have a folder where another has a file, also after a kill between the two", async () => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  const versions = { flat: "index", deep: "index/en/index.html" };
  const apply = async (version: keyof typeof versions) => {
    await mkdir(dirname(folder.file(`source/${version}/${versions[version]}`)), { recursive: true });
    await writeFile(folder.file(`source/${version}/${versions[version]}`), version);
    const state = { version, source: `source/${version}`, into: "www" };
    await writeFile(
      folder.file("plan.json"),
      JSON.stringify({ name: "test", resources: [{ type: "pkg.files", name: "site", state }] }),
    );
    return applyPlan(store, await readPlan(folder.file("plan.json")), { target, actor: ACTOR });
  };
  const manifest = join(target, ".packages/site.json");
  for (const version of ["flat", "deep", "flat", "deep"] as const) {
    const former = await readFile(manifest, "utf8").catch(() => null);
    expect(await apply(version)).toMatchObject({ changed: 1, failed: 0 });
    if (former !== null) {
      // A process was killed before its last step.
      const begun = [`www/${versions[version]}`];
      await writeFile(manifest, JSON.stringify({ ...JSON.parse(former), begun }));
      expect(await apply(version)).toMatchObject({ changed: 1, failed: 0 });
    }
    expect(Object.keys(await contentsOf(target)).sort()).toEqual([".packages/site.json", `www/${versions[version]}`]);
    expect(await apply(version)).toMatchObject({ changed: 0, unchanged: 1 });
  }
  // What others have put into its folder stays, and is in the way.
  await writeFile(join(target, "www/index/mine"), "mine");
  expect(await apply("flat")).toMatchObject({ failed: 1 });
  expect(await readFile(join(target, "www/index/mine"), "utf8")).toBe("mine");
});

test("a package with a file in the place of a manifest is refused before a run begins", async () => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  await mkdir(folder.file("source/.packages"), { recursive: true });
  await writeFile(folder.file("source/.packages/other.json"), "{}");
  const state = { source: "source", into: "." };
  await writeFile(
    folder.file("plan.json"),
    JSON.stringify({ name: "test", resources: [{ type: "pkg.files", name: "site", state }] }),
  );
  const applying = applyPlan(store, await readPlan(folder.file("plan.json")), {
    target: folder.file("target"),
    actor: ACTOR,
  });
  await expect(applying).rejects.toThrow(".packages/other.json would be where packages say");
  expect(await store.listRuns()).toEqual([]);
});

test("a file of a package may have the name of a method, and goes with the version that has it", async () => {
  const store = await openStore(await soloConfig());
  const folder = await tempFolder();
  const target = folder.file("target");
  const apply = async (version: string) => {
    const state = { version, source: "source", into: "www" };
    await writeFile(
      folder.file("plan.json"),
      JSON.stringify({ name: "test", resources: [{ type: "pkg.files", name: "site", state }] }),
    );
    return applyPlan(store, await readPlan(folder.file("plan.json")), { target, actor: ACTOR });
  };
  await mkdir(folder.file("source"));
  const names = ["__proto__", "constructor", "index.html"];
  for (const name of names) await writeFile(folder.file(`source/${name}`), name);
  expect(await apply("1")).toMatchObject({ changed: 1, failed: 0 });
  expect(await readdir(join(target, "www"))).toEqual(names);
  expect(await apply("1")).toMatchObject({ changed: 0, unchanged: 1 });
  for (const name of ["__proto__", "constructor"]) await rm(folder.file(`source/${name}`));
  expect(await apply("2")).toMatchObject({ changed: 1, failed: 0 });
  expect(await readdir(join(target, "www"))).toEqual(["index.html"]);
});

/** A plan with one package, whose source a test fills. */
async function packagePlan(fill: (source: string) => Promise<void>): Promise<string> {
  const folder = await tempFolder();
  await mkdir(folder.file("source/bin"), { recursive: true });
  await fill(folder.file("source"));
  const path = folder.file("plan.json");
  const state = { source: "source", into: "opt" };
  await writeFile(path, JSON.stringify({ name: "test", resources: [{ type: "pkg.files", name: "runtime", state }] }));
  return path;
}

test("a package with a symbolic link is refused before a run begins: no part of it is left out unnoticed", async () => {
  const store = await openStore(await soloConfig());
  const plan = await packagePlan((source) => symlink("bin", join(source, "sbin")));
  const applying = applyPlan(store, await readPlan(plan), { target: (await tempFolder()).path, actor: ACTOR });
  await expect(applying).rejects.toThrow('package "runtime": sbin is neither a file nor a folder');
  expect(await store.listRuns()).toEqual([]);
});

// Windows has no such bit.
test.runIf(process.platform !== "win32")(
  "a file of a package is executable where it was one, also after a change by hand",
  async () => {
    const store = await openStore(await soloConfig());
    const target = (await tempFolder()).path;
    const path = await packagePlan(async (source) => {
      await writeFile(join(source, "bin/serve"), "#!/bin/sh\n", { mode: 0o755 });
      await writeFile(join(source, "readme"), "read me", { mode: 0o644 });
    });
    const apply = async () => applyPlan(store, await readPlan(path), { target, actor: ACTOR });
    const isExecutable = async (name: string) => ((await stat(join(target, "opt", name))).mode & 0o100) !== 0;
    expect(await apply()).toMatchObject({ changed: 1, failed: 0 });
    expect([await isExecutable("bin/serve"), await isExecutable("readme")]).toEqual([true, false]);
    expect(await apply()).toMatchObject({ changed: 0, unchanged: 1 });

    await chmod(join(target, "opt/bin/serve"), 0o644);
    await chmod(join(target, "opt/readme"), 0o755);
    expect(await apply()).toMatchObject({ changed: 1, failed: 0 });
    expect([await isExecutable("bin/serve"), await isExecutable("readme")]).toEqual([true, false]);

    await chmod(join(dirname(path), "source/bin/serve"), 0o644);
    expect(await apply()).toMatchObject({ changed: 1, failed: 0 });
    expect(await isExecutable("bin/serve")).toBe(false);
  },
);

/** What is below a folder, with what a power cut could take from it: its content, and its name in the folder that it is in. */
async function entriesBelow(folder: string) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const [{ ino }, parent] = await Promise.all([stat(path), stat(entry.parentPath)]);
      return {
        path,
        parent: parent.ino,
        content: `content of ${ino}`,
        name: `${path} is ${ino}`,
        isFile: entry.isFile(),
      };
    }),
  );
}

/** What a power cut cannot take, from now on. */
async function watchSyncs(folder: string): Promise<ReadonlySet<string>> {
  const synced = new Set<string>();
  await using handle = await open(folder);
  const fileHandle = Object.getPrototypeOf(handle) as FileHandle;
  const { sync } = fileHandle;
  const watching = vi.spyOn(fileHandle, "sync").mockImplementation(async function (this: FileHandle) {
    const { ino } = await this.stat();
    synced.add(`content of ${ino}`);
    for (const { name } of (await entriesBelow(folder)).filter(({ parent }) => parent === ino)) synced.add(name);
    return sync.call(this);
  });
  onTestFinished(() => watching.mockRestore());
  return synced;
}

// Windows cannot open a folder.
test.runIf(process.platform !== "win32")(
  "what a unit has made is on the disk before the store says so, with the folders that it is in",
  async () => {
    const store = await openStore(await soloConfig());
    const folder = await tempFolder();
    const path = await packagePlan((source) => writeFile(join(source, "bin/serve"), "serve"));
    const resources = [
      { type: "fs.folder", name: "var/log" },
      { type: "fs.file", name: "etc/motd" },
      { type: "pkg.files", name: "runtime", state: { source: "source", into: "opt" } },
    ];
    await writeFile(path, JSON.stringify({ name: "test", resources }));
    const synced = await watchSyncs(folder.path);
    const commit = store.withTx.bind(store);
    const late: string[] = [];
    vi.spyOn(store, "withTx").mockImplementation(async (...args) => {
      for (const { path: made, name, content, isFile } of await entriesBelow(folder.path)) {
        if (!synced.has(name) || (isFile && !synced.has(content))) late.push(made);
      }
      return commit(...args);
    });
    const options = { target: folder.file("a/target"), actor: ACTOR, concurrency: 1 };
    expect(await applyPlan(store, await readPlan(path), options)).toMatchObject({ changed: 3, failed: 0 });
    expect(late).toEqual([]);
  },
);

test.each([
  ["an unknown type", [{ type: "linux.pkg", name: "a" }], 'nothing can make a "linux.pkg" ("a")'],
  ["the name of a method as its type", [{ type: "constructor", name: "a" }], 'nothing can make a "constructor" ("a")'],
  ["a resource that is none", [null], "resource 0 needs a type and a name"],
  ["a resource without a name", [{ type: "fs.folder" }], "resource 0 needs a type and a name"],
  [
    "dependencies that are no list",
    [{ type: "fs.folder", name: "a", dependsOn: "fs.folder:b" }],
    'dependsOn of "fs.folder:a" must be a list of ids',
  ],
  ["a state that is none", [{ type: "fs.folder", name: "a", state: null }], 'state of "fs.folder:a" must be an object'],
  // The first two would be read back in another form, and so be a change in every run.
  ["a mode of four digits", [{ type: "fs.folder", name: "a", state: { mode: "0750" } }], "mode must be a text such as"],
  ["a mode that is a number", [{ type: "fs.folder", name: "a", state: { mode: 750 } }], "mode must be a text such as"],
  ["a mode that is none", [{ type: "fs.folder", name: "a", state: { mode: "999" } }], "mode must be a text such as"],
  ["a content that is no text", [{ type: "fs.file", name: "a", state: { content: {} } }], "content must be a text"],
  [
    "a package without a source",
    [{ type: "pkg.files", name: "a", state: { into: "a" } }],
    '"pkg.files:a": source must be a path',
  ],
  [
    "a package that goes outside",
    [{ type: "pkg.files", name: "a", state: { source: "a", into: "../a" } }],
    "into must be a path inside the target",
  ],
  ["a file that is a folder", [{ type: "fs.file", name: "a/." }], '"a/." is not a path inside the target'],
  ["a second name of a file", [{ type: "fs.file", name: "./a" }], '"./a" is not a path inside the target'],
  [
    "a file in the place of a manifest",
    [{ type: "fs.file", name: ".packages/x.json" }],
    '".packages/x.json" is where packages say',
  ],
  [
    "a package that goes where manifests are",
    [{ type: "pkg.files", name: "a", state: { source: "a", into: "./.packages" } }],
    "into must not be where packages say",
  ],
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

test.each([
  ["{", /plan\.json: .*JSON/],
  ["null", 'plan.json: a plan is { "name": "...", "resources": [...] }'],
  ['{ "name": "x", "resources": {} }', "plan.json: a plan is"],
])("a file that is no plan is refused: %s", async (text, message) => {
  const path = (await tempFolder()).file("plan.json");
  await writeFile(path, text);
  await expect(readPlan(path)).rejects.toThrow(message);
});

test.each([
  [["a.json", "b.json"], "one plan at a time, got a.json, b.json"],
  [["--db", "x.db", "--url", "postgresql://localhost/x"], "give --db or --url, not both"],
  // What a shell makes of a variable that is not set. It would be the folder that the program runs in.
  [["--target", ""], "--target needs a folder"],
  [["--concurrency", "0"], "--concurrency must be a whole number from 1"],
])("arguments that make no sense are refused: %s", (args, message) => {
  expect(() => parseArguments(args)).toThrow(message);
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

test("main.ts tells all of the audit trail, however long it is", async () => {
  const { path } = await soloConfig();
  const store = await openStore({ path });
  await store.withTx(
    async (tx) => {
      for (let at = 0; at < 10_001; at += 1) await tx.createAuditEntry({ action: "test.former", actor: ACTOR });
    },
    { timeoutMs: 60_000 },
  );
  const { exitCode, stdout, stderr } = await runExample("openfroyo/main.ts", { args: ["--db", path] });
  expect({ exitCode, stderr: withoutSlowQueries(stderr) }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.match(/ ada test\.former /g)).toHaveLength(10_001);
  expect(stdout.match(/openfroyo resource\.created/g)).toHaveLength(12);
  expect(stdout).toContain("Verified: no problem");
});

test("the program says why a unit failed", async () => {
  await using folder = await createTempDir();
  const plan = folder.file("plan.json");
  const inFile = { type: "fs.file", name: "motd/today", dependsOn: ["fs.file:motd"] };
  await writeFile(plan, JSON.stringify({ name: "motd", resources: [{ type: "fs.file", name: "motd" }, inFile] }));
  const args = [plan, "--once", "--target", folder.file("target")];
  const { exitCode, stdout, stderr } = await runExample("openfroyo/main.ts", { args });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^Run: 1 changes, 0 unchanged, 1 failed in/m);
  expect(withoutSlowQueries(stderr)).toMatch(/^fs\.file motd\/today: E\w+: .*$/m);
});
