import { fileURLToPath } from "node:url";
import { NodeProcess, type NodeProcessOptions } from "../../support/node-process.js";

/**
 * Starts a program of `fixtures/`. One in plain JavaScript uses the built package and starts faster than one in
 * TypeScript, which uses the sources.
 */
export function startFixture(name: string, options?: NodeProcessOptions): NodeProcess {
  return new NodeProcess(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)), options);
}
