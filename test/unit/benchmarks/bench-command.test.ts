import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Results } from "../../../benchmarks/results.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const MAIN = join(ROOT, "dist", "bench", "benchmarks", "main.js");

let out: string;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "bench-test-"));
  expect(await runNode(TSC, "-p", join(ROOT, "benchmarks"), "--noCheck")).toMatchObject({ exitCode: 0, stdout: "" });
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
  const chosen = ["--workload", "W1,W11", "--subject", "floor,library", "--durability", "normal"];
  const { exitCode, stdout, stderr } = await runNode(MAIN, "--size", "small", "--rounds", "2", ...chosen, "--out", out);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("round 1/2  W1   normal floor");
  // Another subject begins in the second round.
  expect(stdout.indexOf("round 2/2  W1   normal library")).toBeLessThan(stdout.indexOf("round 2/2  W1   normal floor"));
  expect(stdout).toMatch(/\| W1 +\| normal +\| library \| rate .*\| ratio >= 0.4 +\| (yes|\*\*no\*\*)/);
  expect(stdout).toMatch(/\| W11 +\| normal +\| library \| size .*B\/event.*\| <= 75 B\/event \|/);

  const results = JSON.parse(await readFile(join(out, "latest.json"), "utf8")) as Results;
  expect(results).toMatchObject({ size: "small", rounds: 2, leftOut: [] });
  expect(results.command).toBe(`npm run bench -- --size small --rounds 2 ${chosen.join(" ")} --out ${out}`);
  expect(results.machine.sqliteOf).toMatchObject({ sqlite3: expect.stringMatching(/^3\./) });
  const { samples, summary } = results;
  expect(samples.map(({ round, workload, subject }) => `${round} ${workload} ${subject}`)).toEqual([
    ...["1 W1 floor", "1 W1 library", "1 W11 floor", "1 W11 library"],
    ...["2 W1 library", "2 W1 floor", "2 W11 library", "2 W11 floor"],
  ]);
  for (const { figures } of samples) expect(Object.values(figures).every((value) => value >= 0)).toBe(true);
  expect(summary.find(({ workload, subject }) => workload === "W1" && subject === "floor")?.ratio?.median).toBe(1);

  const markdown = await readFile(join(out, "latest.md"), "utf8");
  for (const text of [results.command, "## Figures", "A smoke run", "| W11", "synchronous NORMAL"]) {
    expect(markdown).toContain(text);
  }
});

test("what shows a limit is measured where it is there for, and in no other workload", async () => {
  const subjects = "floor,idle-process,idle-poll";
  const chosen = ["--workload", "W2u,W6,W7,W10,W11", "--subject", subjects, "--durability", "full"];
  expect(await runNode(MAIN, "--size", "small", ...chosen, "--out", out)).toMatchObject({ exitCode: 0, stderr: "" });
  const { samples } = JSON.parse(await readFile(join(out, "latest.json"), "utf8")) as Results;
  expect(samples.map(({ workload, subject, figures }) => [workload, subject, Object.keys(figures).join(", ")])).toEqual(
    [
      ["W2u", "floor", "rate"],
      ["W6", "floor", "ack p50, ack p99"],
      ["W7", "idle-process", "one watcher"],
      ["W7", "idle-poll", "one watcher"],
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
  expect(stdout).toMatch(/1,500 operations, 1,500 events, [\d,]+ hops: \d/);
  expect(stdout).toMatch(/\| run +\| [\d,]+ +\|.*INSERT INTO es_events/);
  expect(await readFile(join(out, "profile.md"), "utf8")).toContain("## W1, durability normal, library");
});

test("help is printed, and a bad value is refused with the reason", async () => {
  expect(await runNode(MAIN, "--help")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("--workload") });
  const refused: [string, string, string][] = [
    ["--rounds", "0", '--rounds takes a whole number from 1 on, got "0"'],
    ["--workload", "W1,W99", "--workload takes W1, W1r, W2, W2u, W3, W4, W5,"],
    ["--subject", "nobody", "--subject takes floor, library,"],
    ["--durability", "none", '--durability takes normal, full, got "none"'],
    ["--size", "huge", '--size takes small, full, got "huge"'],
    ["--speed", "1", "Unknown option '--speed'"],
  ];
  for (const [option, value, message] of refused) {
    const { exitCode, stderr } = await runNode(MAIN, option, value);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
  }
});
