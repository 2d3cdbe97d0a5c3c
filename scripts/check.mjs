// Runs every check, one after the other, and stops at the first that fails.
import { spawnSync } from "node:child_process";

const CHECKS = [
  ["format and lint", "biome", ["ci", "."]],
  ["types", "tsc", ["--noEmit"]],
  [
    "import boundaries",
    "depcruise",
    ["--config", ".dependency-cruiser.cjs", "protocols", "src", "adapters", "examples", "test"],
  ],
  ["dead code", "knip", []],
  ["build", "npm", ["run", "--silent", "build"]],
  ["package", "publint", ["--strict"]],
  ["package types", "attw", ["--pack", ".", "--profile", "esm-only"]],
  ["API reference", "typedoc", []],
  ["tests, examples and coverage", "vitest", ["run", "--coverage"]],
];

const startedMs = Date.now();
for (const [name, command, args] of CHECKS) {
  const beganMs = Date.now();
  process.stdout.write(`\n== ${name}: ${command} ${args.join(" ")}\n`);
  const env = { ...process.env, PATH: `node_modules/.bin:${process.env.PATH}`, NO_COLOR: "1" };
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env });
  const seconds = ((Date.now() - beganMs) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`\n== ${name}: FAILED after ${seconds} s${error ? ` (${error.message})` : ""}`);
    process.exit(1);
  }
  console.log(`== ${name}: ok, ${seconds} s`);
}
console.log(`\nAll ${CHECKS.length} checks passed in ${((Date.now() - startedMs) / 1000).toFixed(0)} s.`);
