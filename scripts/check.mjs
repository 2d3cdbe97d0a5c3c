// Runs every check, one after the other, and stops at the first that fails: `npm test`.
// `npm test -- lint types` runs only the checks of those names.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

// Biome colours its output even where it is kept in a file.
const colors = process.stdout.isTTY ? "force" : "off";

// What takes least comes first, and nothing that needs the build before it.
const CHECKS = [
  { name: "lint", what: "format and lint", command: `biome ci --error-on-warnings --colors=${colors} .` },
  { name: "types", what: "types of sources, tests, examples and benchmarks", command: "tsc --noEmit" },
  { name: "walls", what: "who may import whom", command: "depcruise --config .dependency-cruiser.cjs ." },
  { name: "dead-code", what: "files, exports and dependencies that nobody uses", command: "knip" },
  { name: "docs", what: "API reference, complete and without broken links", command: "typedoc --emit none" },
  { name: "build", what: "what gets published", command: "npm run --silent build" },
  { name: "package", what: "package.json against what was built", command: "publint --strict" },
  {
    name: "package-types",
    what: "types of every entry, as its users resolve them",
    command: "attw --pack . --profile esm-only --no-summary",
  },
  { name: "tests", what: "tests, examples, snippets, package contents", command: "vitest run" },
];

const root = fileURLToPath(new URL("../", import.meta.url));
const env = { ...process.env, PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter) };

function secondsSince(startedAtMs) {
  return ((performance.now() - startedAtMs) / 1000).toFixed(1);
}

function chosenChecks(names) {
  const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length === 0) return names.length === 0 ? CHECKS : CHECKS.filter(({ name }) => names.includes(name));
  console.error(`No such check: ${unknown.join(", ")}. There are: ${CHECKS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const checks = chosenChecks(process.argv.slice(2));
const startedAtMs = performance.now();
for (const [index, { name, what, command }] of checks.entries()) {
  console.log(`\n[${index + 1}/${checks.length}] ${name}: ${what}\n$ ${command}`);
  const beganAtMs = performance.now();
  const { status, signal, error } = spawnSync(command, { shell: true, stdio: "inherit", cwd: root, env });
  if (status !== 0) {
    const reason = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
    console.error(
      `\nFAILED: ${name} after ${secondsSince(beganAtMs)} s (${reason}). Run it again: npm test -- ${name}`,
    );
    process.exit(1);
  }
  console.log(`ok: ${name}, ${secondsSince(beganAtMs)} s`);
}
console.log(`\nPASSED: ${checks.map(({ name }) => name).join(", ")} in ${secondsSince(startedAtMs)} s`);
