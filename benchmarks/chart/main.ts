import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PACKAGE_ROOT } from "../package-root.js";
import { RESULTS_FILE, type Results } from "../results.js";
import { drawWritersChart } from "./writers-chart.js";
import { writersSeries } from "./writers-series.js";

// Usage: npm run bench:chart -- [--results FOLDER] [--out FILE]
const { values } = parseArgs({
  options: {
    results: { type: "string", default: join(PACKAGE_ROOT, "benchmarks", "results") },
    out: { type: "string", default: join(PACKAGE_ROOT, "docs", "performance-writers.svg") },
  },
});

const file = join(values.results, RESULTS_FILE);
const results = JSON.parse(await readFile(file, "utf8")) as Results;
const series = writersSeries(results);
if (series.length === 0) {
  console.error(`${file} has nothing of workload WC: npm run bench -- --workload WC`);
  process.exitCode = 1;
} else {
  const { machine, rounds, command, date } = results;
  const facts = `medians of ${rounds} rounds, ${machine.cores} cores, ${machine.fileSystem}, Node ${machine.node}, ${date.slice(0, 10)}`;
  await writeFile(values.out, drawWritersChart(series, [command, facts]));
  console.log(`drawn in ${values.out}`);
}
