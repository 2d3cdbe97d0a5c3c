// Runs the fault tests in their large size, again and again with new seeds until the minutes are over, and saves what
// was counted, in docs/guarantees.md too: `npm run soak -- --minutes 60 [--only R1]`. With FAULT_SEED=<seed> in the
// environment one run is repeated.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

function runOnce() {
  const filter = values.only === undefined ? [] : ["-t", `${values.only} `];
  const args = ["run", "test/faults", "--no-file-parallelism", "--hookTimeout=3600000", ...filter];
  return spawnSync("vitest", args, { cwd: root, env, stdio: "inherit" }).status === 0;
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

const endMs = Date.now() + minutes * 60_000;
let passed = true;
do passed = runOnce();
while (passed && Date.now() < endMs && process.env.FAULT_SEED === undefined);

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
    `${JSON.stringify({ command: `npm run soak -- --minutes ${minutes}`, machine, tests }, null, 2)}\n`,
  );
  spawnSync(process.execPath, [fileURLToPath(new URL("guarantees.mjs", import.meta.url))], { stdio: "inherit" });
}
process.exit(passed ? 0 : 1);
