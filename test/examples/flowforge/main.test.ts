import { readdir, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { createTempDir } from "../../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "../support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

test("flowforge imports a data set as a workflow, and its figures equal those computed without a database", async () => {
  await using home = await createTempDir();
  const { exitCode, stdout, stderr } = await runExample("flowforge/main.ts", { args: [home.path] });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^Database: .*flowforge.flowforge\.db$/);
  expect(lines.slice(1, 17)).toEqual([
    '  source "planets": succeeded, 8 rows',
    '  source "moons": succeeded, 30 rows',
    '  transform "numbers": succeeded, 30 rows',
    '  join "moons of planets": succeeded, 29 rows',
    '  rule "large moons": succeeded, 18 rows',
    '  sink "summary": succeeded, 5 rows',
    "  warn: Charon belongs to Pluto, which is no planet here.",
    "Run: succeeded, 6 steps, 5 edges of lineage, 14 events",
    "Its state replayed 14 events, and with the snapshot 0",
    "  Earth: 1, the largest is Moon",
    "  Jupiter: 4, the largest is Ganymede",
    "  Saturn: 6, the largest is Titan",
    "  Uranus: 5, the largest is Titania",
    "  Neptune: 2, the largest is Triton",
    "Figures equal those computed without a database: yes",
    expect.stringMatching(/^Scheduled run for .*: succeeded$/),
  ]);
  expect(lines.slice(17)).toEqual([
    "The same once more: nothing to do, it has run",
    "  window: a run by manual: succeeded, 6 steps",
    "  window: a run by schedule:nightly: succeeded, 6 steps",
    "  window: DELETE behind WITH: SQL_NOT_ALLOWED",
    "  window: the worker has counted 39 events",
    "Backup: opens, with the same events",
    "",
  ]);
});

test.each([{ args: ["--help"] }, { args: ["home", "other"] }])(
  "flowforge says how it is called, and makes no folder for $args",
  async ({ args }) => {
    await using cwd = await createTempDir();
    const { exitCode, stdout, stderr } = await runExample("flowforge/main.ts", { args, cwd: cwd.path });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 1, stdout: "", stderr: "Usage: flowforge [home]\n" });
    expect(await readdir(cwd.path)).toEqual([]);
  },
);

test("flowforge says in a line that a home cannot be made", async () => {
  await using cwd = await createTempDir();
  await writeFile(cwd.file("home"), "");
  const runs = [{ args: [cwd.file("home")] }, { env: { TMPDIR: cwd.file("home") } }];
  const ends = await Promise.all(runs.map((options) => runExample("flowforge/main.ts", options)));
  expect(ends.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toEqual(
    ends.map(() => ({ exitCode: 1, stdout: "" })),
  );
  expect(ends[0]?.stderr).toMatch(/^Cannot open .*home.*flowforge\.db: .+\n$/);
  expect(ends[1]?.stderr).toMatch(/^Cannot make a temporary home: .+\n$/);
});
