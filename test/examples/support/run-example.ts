import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NodeProcess, type NodeProcessOptions, type ProcessEnd } from "../../support/node-process.js";

const ROOT_URL = new URL("../../../", import.meta.url);

// The build's own settings know no paths, so that the package's name leads to what was built and not to its sources.
const TSX_TSCONFIG_PATH = fileURLToPath(new URL("tsconfig.build.json", ROOT_URL));

/** By its address, so that a program in any folder finds it. */
const TSX_URL = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Generous, because a loaded machine takes seconds to start a process. */
export const EXAMPLE_TIMEOUT_MS = 60_000;

/** Starts an example as its user does: a process of its own, with tsx, against the built package. */
export function startExample(file: string, { env, ...options }: NodeProcessOptions = {}): NodeProcess {
  const path = fileURLToPath(new URL(`examples/${file}`, ROOT_URL));
  return new NodeProcess(path, { ...options, nodeOptions: ["--import", TSX_URL], env: { TSX_TSCONFIG_PATH, ...env } });
}

/** Runs an example to its end. */
export async function runExample(file: string, options: NodeProcessOptions = {}): Promise<ProcessEnd> {
  return startExample(file, options).ended;
}
