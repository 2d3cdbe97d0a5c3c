import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import type { ChildProgram } from "../../../../examples/flowforge/child-program.js";
import { compiledProgram } from "../../../support/compiled-program.js";

// Stands in for `child-program.ts`: its programs in one file each, which start several times as fast as with tsx.

const fileOf = (name: string): string =>
  compiledProgram(fileURLToPath(new URL(`../../../../examples/flowforge/${name}.ts`, import.meta.url)));

export function childProgram(name: string): ChildProgram {
  const file = fileOf(name);
  return { file, folder: dirname(file), execArgv: [] };
}

export function startThread(name: string, options: Pick<WorkerOptions, "workerData" | "transferList">): Worker {
  return new Worker(fileOf(name), options);
}
