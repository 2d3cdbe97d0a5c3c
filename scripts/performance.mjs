// Copies the machine and the table of goals of the last saved benchmark (benchmarks/results/latest.md) into
// docs/performance.md: `node scripts/performance.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pathOf = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const GUIDE = pathOf("docs/performance.md");
const MARKED = /(<!-- performance: begin -->\n).*?(<!-- performance: end -->)/s;

const results = readFileSync(pathOf("benchmarks/results/latest.md"), "utf8");
const [, head, goals] = /^# Results\n(.*?)\n## Goals\n(.*?)\n## /s.exec(results) ?? [];
if (goals === undefined) {
  console.error("benchmarks/results/latest.md has no goals: npm run bench");
  process.exit(1);
}
const block = `\n${head.trim()}\n\n${goals.trim()}\n\n`;
writeFileSync(
  GUIDE,
  readFileSync(GUIDE, "utf8").replace(MARKED, (_, begin, end) => `${begin}${block}${end}`),
);
