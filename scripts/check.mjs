// Runs every check, as many beside each other as there are cores, and begins no other once one has failed: `npm test`.
// The tests come last, and have all cores. `npm test -- lint types` runs only the checks of those names.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

// What a check prints is kept until it has ended, and is to have its colours all the same.
const isTerminal = process.stdout.isTTY === true;
const colors = isTerminal ? "force" : "off";

// In the order in which they begin. `types` has checked what `build` and `docs` read, so that these do not check it again.
const CHECKS = [
  { name: "lint", what: "format and lint", command: `biome ci --error-on-warnings --colors=${colors} .` },
  { name: "build", what: "what gets published", command: "npm run --silent build -- --noCheck" },
  { name: "types", what: "types of sources, tests, examples and benchmarks", command: "tsc --noEmit" },
  {
    name: "docs",
    what: "API reference, complete and without broken links",
    command: "typedoc --emit none --skipErrorChecking",
  },
  { name: "walls", what: "who may import whom", command: "depcruise --config .dependency-cruiser.cjs ." },
  { name: "dead-code", what: "files, exports and dependencies that nobody uses", command: "knip" },
  { name: "package", what: "package.json against what was built", command: "publint --strict", needs: ["build"] },
  {
    name: "package-types",
    what: "types of every entry, as its users resolve them",
    command: "attw --pack . --profile esm-only --no-summary",
    needs: ["build"],
  },
];
const TESTS = { name: "tests", what: "tests, examples, snippets, package contents", command: "vitest run" };
const NAMES = [...CHECKS, TESTS].map(({ name }) => name);

const root = fileURLToPath(new URL("../", import.meta.url));
const env = {
  ...process.env,
  ...(isTerminal && { FORCE_COLOR: "1" }),
  PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
};

function secondsSince(startedAtMs) {
  return ((performance.now() - startedAtMs) / 1000).toFixed(1);
}

function chosenNames(names) {
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length === 0) return names.length === 0 ? NAMES : NAMES.filter((name) => names.includes(name));
  console.error(`No such check: ${unknown.join(", ")}. There are: ${NAMES.join(", ")}`);
  process.exit(2);
}

/** Runs a command to its end. @returns what it printed, and why it failed, or null */
function run(command, stdio) {
  return new Promise((resolve) => {
    const child = spawn(command, { shell: true, stdio, cwd: root, env });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => output.push(chunk));
    const end = (reason) => resolve({ output: Buffer.concat(output).toString(), reason });
    child.on("error", ({ message }) => end(message));
    child.on("close", (code, signal) =>
      end(code === 0 ? null : signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}

const names = chosenNames(process.argv.slice(2));
const startedAtMs = performance.now();
const passed = new Set();
let hasFailed = false;

async function check({ name, what, command }, stdio) {
  const heading = `\n[${names.indexOf(name) + 1}/${names.length}] ${name}: ${what}\n$ ${command}`;
  if (stdio === "inherit") console.log(heading);
  const beganAtMs = performance.now();
  const { output, reason } = await run(command, stdio);
  if (stdio !== "inherit") console.log(`${heading}\n${output}`.trimEnd());
  if (reason === null) {
    passed.add(name);
    console.log(`ok: ${name}, ${secondsSince(beganAtMs)} s`);
  } else {
    hasFailed = true;
    console.error(
      `\nFAILED: ${name} after ${secondsSince(beganAtMs)} s (${reason}). Run it again: npm test -- ${name}`,
    );
  }
}

const waiting = CHECKS.filter(({ name }) => names.includes(name));

/** Takes one check after the other that has what it needs, until none is left. */
async function work() {
  while (!hasFailed && waiting.length > 0) {
    const isReady = ({ needs = [] }) => needs.every((name) => passed.has(name) || !names.includes(name));
    const index = waiting.findIndex(isReady);
    if (index < 0) return;
    await check(waiting.splice(index, 1)[0], ["ignore", "pipe", "pipe"]);
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
if (!hasFailed && names.includes(TESTS.name)) await check(TESTS, "inherit");
if (hasFailed) process.exit(1);
console.log(`\nPASSED: ${names.join(", ")} in ${secondsSince(startedAtMs)} s`);
