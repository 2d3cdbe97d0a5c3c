import { fileURLToPath } from "node:url";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess, type NodeProcessOptions } from "../../support/node-process.js";

/**
 * Starts a program of `fixtures/`. One in plain JavaScript uses the built package, one in TypeScript the sources.
 */
export function startFixture(name: string, options?: NodeProcessOptions): NodeProcess {
  const file = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  return new NodeProcess(name.endsWith(".ts") ? compiledProgram(file) : file, options);
}
