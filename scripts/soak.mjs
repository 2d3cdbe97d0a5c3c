// Runs the fault tests in their large size, each at least once and then again with new seeds until the minutes are over.
// Saves what they counted, in docs/guarantees.md too: `npm run soak -- --minutes 60 [--only R1]`. With FAULT_SEED=<seed>
// in the environment it repeats one run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../", import.meta.url));
const results = join(root, "docs", "soak-results.json");
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, only: { type: "string" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`--minutes takes a number above 0, got ${values.minutes}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "async-streams-soak-"));
const report = join(folder, "report.jsonl");
const env = {
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
  FAULT_SIZE: "soak",
  FAULT_REPORT: report,
};

function runFile(file) {
  const filter = values.only === undefined ? [] : ["-t", `${values.only} `, "--passWithNoTests"];
  const args = ["run", file, "--hookTimeout=3600000", ...filter];
  return spawnSync("vitest", args, { cwd: root, env, stdio: "inherit" }).status === 0;
}

/** @returns whether every test passed */
function runUntil(endMs) {
  const names = readdirSync(join(root, "test", "faults"), { recursive: true }).filter((name) =>
    name.endsWith(".test.ts"),
  );
  const files = names.map((name) => join("test", "faults", name)).sort();
  for (let pass = 1; pass === 1 || process.env.FAULT_SEED === undefined; pass += 1) {
    for (const file of files) {
      if (pass > 1 && Date.now() >= endMs) return true;
      if (!runFile(file)) return false;
    }
  }
  return true;
}

function summarize() {
  const tests = new Map();
  for (const line of readFileSync(report, "utf8").trim().split("\n")) {
    const { name, seed, figures } = JSON.parse(line);
    const total = tests.get(name) ?? { name, seeds: [], figures: {} };
    tests.set(name, total);
    total.seeds.push(seed);
    for (const [figure, amount] of Object.entries(figures)) {
      const earlier = total.figures[figure] ?? 0;
      total.figures[figure] = figure.startsWith("most ") ? Math.max(earlier, amount) : earlier + amount;
    }
  }
  return [...tests.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

const startedAtMs = Date.now();
const passed = runUntil(startedAtMs + minutes * 60_000);
const tookMinutes = Math.floor((Date.now() - startedAtMs) / 60_000);

const tests = summarize();
rmSync(folder, { recursive: true, force: true });
for (const { name, figures } of tests) {
  console.log(
    `${name}: ${Object.entries(figures)
      .map(([figure, amount]) => `${figure} ${amount}`)
      .join(", ")}`,
  );
}
if (passed && values.only === undefined) {
  const machine = { node: process.version, platform: process.platform };
  writeFileSync(
    results,
    `${JSON.stringify({ command: `npm run soak -- --minutes ${minutes}`, tookMinutes, machine, tests }, null, 2)}\n`,
  );
  spawnSync(process.execPath, [fileURLToPath(new URL("guarantees.mjs", import.meta.url))], { stdio: "inherit" });
}
process.exit(passed ? 0 : 1);
