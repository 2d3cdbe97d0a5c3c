import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseCommandLine, UsageError } from "../../../benchmarks/command-line.js";
import type { Results } from "../../../benchmarks/results.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SOURCES = join(ROOT, "benchmarks");
const PROGRAMS = join(ROOT, "dist", "bench", "benchmarks");
const MAIN = join(PROGRAMS, "main.js");

let out: string;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "bench-test-"));
  await build({
    entryPoints: [join(SOURCES, "main.ts"), join(SOURCES, "child.ts")],
    outdir: PROGRAMS,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: `node${process.versions.node}`,
  });
});

afterAll(() => rm(out, { recursive: true, force: true }));

async function runNode(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("a small run prints and saves what it measured", async () => {
  const chosen = ["--workload", "W1", "--subject", "floor,library", "--durability", "normal"];
  const { exitCode, stdout, stderr } = await runNode(MAIN, "--size", "small", "--rounds", "2", ...chosen, "--out", out);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("round 1/2  W1   normal floor");
  // Another subject begins in the second round.
  expect(stdout.indexOf("round 2/2  W1   normal library")).toBeLessThan(stdout.indexOf("round 2/2  W1   normal floor"));
  expect(stdout).toMatch(/\| W1 +\| normal +\| library \| rate .*\| ratio >= 0.4 +\| (yes|\*\*no\*\*)/);

  const results = JSON.parse(await readFile(join(out, "latest.json"), "utf8")) as Results;
  expect(results).toMatchObject({ size: "small", rounds: 2, leftOut: [] });
  expect(results.command).toBe(`npm run bench -- --size small --rounds 2 ${chosen.join(" ")} --out ${out}`);
  expect(results.machine.sqliteOf).toMatchObject({ sqlite3: expect.stringMatching(/^3\./) });
  const { samples, summary } = results;
  expect(samples.map(({ round, workload, subject }) => `${round} ${workload} ${subject}`)).toEqual([
    ...["1 W1 floor", "1 W1 library"],
    ...["2 W1 library", "2 W1 floor"],
  ]);
  for (const { figures } of samples) expect(Object.values(figures).every((value) => value >= 0)).toBe(true);
  expect(summary.find(({ workload, subject }) => workload === "W1" && subject === "floor")?.ratio?.median).toBe(1);

  const markdown = await readFile(join(out, "latest.md"), "utf8");
  for (const text of [results.command, "## Figures", "A smoke run", "| W1 ", "synchronous NORMAL"]) {
    expect(markdown).toContain(text);
  }
});

test("what shows a limit is measured where it is there for, and in no other workload", async () => {
  const subjects = "floor,idle-process";
  const chosen = ["--workload", "W2u,W6,W7,W10,W11", "--subject", subjects, "--durability", "full"];
  expect(await runNode(MAIN, "--size", "small", ...chosen, "--out", out)).toMatchObject({ exitCode: 0, stderr: "" });
  const { samples } = JSON.parse(await readFile(join(out, "latest.json"), "utf8")) as Results;
  expect(samples.map(({ workload, subject, figures }) => [workload, subject, Object.keys(figures).join(", ")])).toEqual(
    [
      ["W2u", "floor", "rate"],
      ["W6", "floor", "ack p50, ack p99"],
      ["W7", "idle-process", "one watcher"],
      ["W10", "floor", "open, driver not loaded yet, first append, open again, first append again"],
      ["W11", "floor", "size"],
    ],
  );
});

test("the profile counts hops and statements", async () => {
  const chosen = ["--workload", "W1", "--durability", "normal", "--subject", "library"];
  const { exitCode, stdout } = await runNode(MAIN, "--profile", "--size", "small", ...chosen, "--out", out);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("## W1, durability normal, library");
  expect(stdout).toMatch(/[\d,]+ operations, [\d,]+ events, [\d,]+ hops: \d/);
  expect(stdout).toMatch(/\| run +\| [\d,]+ +\|.*INSERT INTO es_events/);
  expect(await readFile(join(out, "profile.md"), "utf8")).toContain("## W1, durability normal, library");
});

test("help is printed, and a bad value is refused with the reason", async () => {
  expect(await runNode(MAIN, "--help")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("--workload") });
  const { exitCode, stderr } = await runNode(MAIN, "--rounds", "0");
  const message = '--rounds takes a whole number from 1 on, got "0"';
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
});

test.each([
  ["--rounds", "1.5", '--rounds takes a whole number from 1 on, got "1.5"'],
  ["--workload", "W1,W99", "--workload takes W1, W1r, W2, W2u, W3, W4, W5,"],
  ["--subject", "nobody", "--subject takes floor, library,"],
  ["--durability", "none", '--durability takes normal, full, got "none"'],
  ["--size", "huge", '--size takes small, full, got "huge"'],
  ["--speed", "1", "Unknown option '--speed'"],
])("%s %s is refused with the reason", (option, value, message) => {
  const parsing = () => parseCommandLine([option, value]);
  expect(parsing).toThrow(UsageError);
  expect(parsing).toThrow(message);
});

test.each([
  [[], "results"],
  [["--rounds", "3"], "results"],
  [["--size", "small"], "partial"],
  [["--workload", "W1"], "partial"],
  [["--subject", "library"], "partial"],
  [["--durability", "full"], "partial"],
  [["--size", "small", "--out", "elsewhere"], "elsewhere"],
])("the results of %j are saved in the folder %s", (args, folder) => {
  expect(basename(parseCommandLine(args)?.out ?? "")).toBe(folder);
});
