import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** How Node starts a program of this application in a process of its own. */
export interface ChildProgram {
  readonly file: string;
  readonly folder: string;
  /** What Node needs to load it: nothing once it is compiled. */
  readonly execArgv: string[];
}

const isSource = import.meta.url.endsWith(".ts");

/** The program of that name, relative to this folder, as a source or compiled: like this file. */
export function childProgram(name: string): ChildProgram {
  const file = fileURLToPath(programUrl(name));
  return { file, folder: dirname(file), execArgv: isSource ? ["--import", tsxUrl()] : [] };
}

/** Starts a program of this application in a thread of its own. */
export function startThread(name: string, options: Pick<WorkerOptions, "workerData" | "transferList">): Worker {
  const url = programUrl(name);
  if (!isSource) return new Worker(url, options);
  // Node 20 does not hand loaders on to threads.
  return new Worker(new URL("load-source.mjs", import.meta.url), { ...options, argv: [url.href], execArgv: [] });
}

function programUrl(name: string): URL {
  return new URL(`${name}${isSource ? ".ts" : ".js"}`, import.meta.url);
}

/** By its address, so that a process in any folder finds it. */
function tsxUrl(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
}
