// Runs the tests of the adapters, and a small program over the packed package, on other versions of Node:
// `npm run build && node scripts/other-nodes.mjs`. npm brings the versions; `.ci/run` runs this after `npm test`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The tests for each line. better-sqlite3 is built for one version of Node, so that its tests are not among them. The
 * native part of sqlite3 is the same for all versions, and one run of its tests is enough.
 */
const CORE_TESTS = [
  "test/unit/adapters/memory.test.ts",
  "test/unit/adapters/node-sqlite.test.ts",
  "test/unit/sqlite/backup-tables.test.ts",
  "test/unit/sqlite/drivers.test.ts",
  "test/unit/sqlite/table-statements.test.ts",
  "test/unit/sqlite/threads.test.ts",
];
const TESTS = {
  22: [...CORE_TESTS, "test/unit/adapters/sqlite-in-memory.test.ts"],
  24: [...CORE_TESTS, "test/unit/adapters/sqlite.test.ts"],
};

/** What a program does first, and which native libraries that loads. */
const PROGRAM = `
import { sqliteStreamFactory } from "async-streams";
const streams = await sqliteStreamFactory(process.argv[2]);
const stream = await streams.openStream("account");
const watched = stream.watch({ after: 0 })[Symbol.asyncIterator]();
await stream.write({ type: "Deposited", data: { amount: 100 }, idempotencyKey: "a" }, { expectedVersion: 0 });
const retried = await stream.write({ type: "Deposited", data: { amount: 100 }, idempotencyKey: "a" });
const { value } = await watched.next();
const { ok } = await streams.verify();
await streams[Symbol.asyncDispose]();
const libraries = process.report.getReport().sharedObjects.filter((name) => name.endsWith(".node"));
console.log(JSON.stringify({ amount: value.data.amount, written: retried.written, ok, libraries: libraries.length }));
`;

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "other-nodes-"));

function run(file, args, options = {}) {
  return execFileSync(file, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options });
}

/** @returns the executable of the newest release of a line */
function install(line) {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const prefix = join(folder, `node-${line}`);
  run("npm", ["install", "--prefix", prefix, "--no-audit", "--no-fund", "--silent", `${name}@${line}`]);
  return join(prefix, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** Installs the package as a machine without a compiler does, and returns the folder. */
function installPackage() {
  const consumer = join(folder, "consumer");
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]));
  const packages = [join(folder, filename), "rxjs"];
  run("npm", ["install", "--prefix", consumer, "--omit=optional", "--no-audit", "--no-fund", "--silent", ...packages]);
  writeFileSync(join(consumer, "program.mjs"), PROGRAM);
  return consumer;
}

/** Without optional dependencies the default driver is node:sqlite, and no native library is loaded. */
function runProgram(node, consumer, line) {
  const answer = run(node, ["program.mjs", join(folder, `store-${line}.db`)], { cwd: consumer }).trim();
  const expected = JSON.stringify({ amount: 100, written: 0, ok: true, libraries: 0 });
  if (answer !== expected) throw new Error(`Node ${line} answered ${answer} instead of ${expected}`);
}

try {
  const consumer = installPackage();
  for (const [line, tests] of Object.entries(TESTS)) {
    const node = install(line);
    const beganAtMs = performance.now();
    console.log(`\nNode ${run(node, ["--version"]).trim()}`);
    runProgram(node, consumer, line);
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    run(node, [vitest, "run", "--reporter=dot", "--no-color", ...tests], { stdio: "inherit" });
    console.log(`ok: Node ${line}, ${((performance.now() - beganAtMs) / 1000).toFixed(1)} s`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
