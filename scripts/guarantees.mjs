// Writes the figures of the last soak run (docs/soak-results.json) into the table of docs/guarantees.md:
// `node scripts/guarantees.mjs`. With --check it changes nothing, and fails where the table is not up to date. --guide and
// --results name other files.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const MARKED = /(<!-- guarantees: begin -->\n)(.*?)(<!-- guarantees: end -->)/s;
const COMMAND = "npm run soak -- --minutes 60";
const NOT_SOAKED = "in `npm test`";

/** ``R3: `test/faults/sqlite/r03-power-cut.test.ts` "full"``: all tests of that number whose names have the words in quotes. */
const FAULT_TEST = /\b(R\d+): `[^`\s]+`(?: "([^"]+)")?/g;

const pathOf = (file) => fileURLToPath(new URL(`../docs/${file}`, import.meta.url));
const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    guide: { type: "string", default: pathOf("guarantees.md") },
    results: { type: "string", default: pathOf("soak-results.json") },
  },
});
const { guide, results } = values;

function readResults() {
  return existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : { tests: [] };
}

function listed(figures) {
  return Object.entries(figures)
    .map(([figure, amount]) => `${figure} ${amount.toLocaleString("en")}`)
    .join(", ");
}

function figuresOf(tests, number, words) {
  const found = tests.filter(({ name }) => name.startsWith(`${number} `) && name.includes(words ?? ""));
  return found.map(({ name, figures }) =>
    found.length === 1 ? listed(figures) : `${name.slice(number.length + 1)}: ${listed(figures)}`,
  );
}

/** Fills the last column. The figures of a test stand in the first row that names it. */
function fillRows(rows, tests) {
  const seen = new Set();
  return rows.map((row) => {
    const links = [...row.join(" ").matchAll(FAULT_TEST)];
    const parts = links.flatMap(([link, number, words]) => {
      if (seen.has(link)) return [`${number}: above`];
      seen.add(link);
      return figuresOf(tests, number, words);
    });
    return [...row.slice(0, -1), parts.join("; ") || NOT_SOAKED];
  });
}

function cellsOf(line) {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

function layOut(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lineOf = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const [head, ...body] = rows.map(lineOf);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}

function introduction({ command, machine }) {
  if (command === undefined) return `No soak run has been saved yet: \`${COMMAND}\`.`;
  return `The last column is from \`${command}\` on Node ${machine.node}, ${machine.platform}.`;
}

function render(block) {
  const saved = readResults();
  const lines = block.split("\n").filter((line) => line.startsWith("|"));
  const [head, , ...rows] = lines.map(cellsOf);
  return `\n${introduction(saved)}\n\n${layOut([head, ...fillRows(rows, saved.tests)])}\n\n`;
}

const before = readFileSync(guide, "utf8");
const after = before.replace(MARKED, (_, begin, block, end) => `${begin}${render(block)}${end}`);
if (!values.check) writeFileSync(guide, after);
else if (after !== before) {
  console.error(`${guide} is not up to date: node scripts/guarantees.mjs`);
  process.exit(1);
}
