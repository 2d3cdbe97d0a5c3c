// Compares this build with another checkout of the project, for "no slower than before":
// `node scripts/compare-builds.mjs ../before --rounds 7 --workload W1,W3 --subject library`. What stands behind the rounds
// goes to the benchmarks. Both folders need their packages and their compiled benchmarks, which `npm run bench -- --help`
// makes. The builds take turns, and another begins in each round.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [before, option, count, ...benchOptions] = process.argv.slice(2);
const rounds = Number(count);
if (before === undefined || option !== "--rounds" || !(rounds >= 1)) {
  console.error("usage: node scripts/compare-builds.mjs <folder> --rounds N [options of npm run bench]");
  process.exit(2);
}

const root = fileURLToPath(new URL("../", import.meta.url));
const { median } = await import(new URL("../dist/bench/benchmarks/statistics.js", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "async-streams-compare-"));
const ratios = new Map();

/** @returns the figures of one round, by what was measured */
function measure(folder) {
  const main = join(folder, "dist", "bench", "benchmarks", "main.js");
  const args = [main, "--rounds", "1", "--out", out, ...benchOptions];
  execFileSync(process.execPath, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const { samples } = JSON.parse(readFileSync(join(out, "latest.json"), "utf8"));
  const named = samples.flatMap(({ workload, durability, subject, figures }) =>
    Object.entries(figures).map(([figure, value]) => [`${workload} ${durability} ${subject} ${figure}`, value]),
  );
  return new Map(named);
}

try {
  for (let round = 0; round < rounds; round += 1) {
    const folders = [resolve(before), root];
    if (round % 2 === 1) folders.reverse();
    const measured = new Map(folders.map((folder) => [folder, measure(folder)]));
    for (const [name, value] of measured.get(root)) {
      const former = measured.get(resolve(before)).get(name);
      if (former > 0) ratios.set(name, [...(ratios.get(name) ?? []), value / former]);
    }
    console.log(`round ${round + 1}/${rounds}`);
  }
  console.log("\nthis build / the other: median of the rounds' ratios, and the range");
  for (const [name, values] of ratios) {
    const range = `${Math.min(...values).toFixed(2)}..${Math.max(...values).toFixed(2)}`;
    console.log(`${name.padEnd(44)} ${median(values).toFixed(3)}  ${range}`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
