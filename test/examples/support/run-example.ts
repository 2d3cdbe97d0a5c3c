import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NodeProcess, type NodeProcessOptions, type ProcessEnd } from "../../support/node-process.js";
import { exampleLoader } from "./compiled-examples.js";

const ROOT_URL = new URL("../../../", import.meta.url);

// The build's own settings know no paths, so that the package's name leads to what was built and not to its sources.
const TSX_TSCONFIG_PATH = fileURLToPath(new URL("tsconfig.build.json", ROOT_URL));

/** By its address, so that a program in any folder finds it. */
const TSX_URL = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Generous, because a loaded machine takes seconds to start a process. */
export const EXAMPLE_TIMEOUT_MS = 60_000;

const pathOf = (file: string): string => fileURLToPath(new URL(`examples/${file}`, ROOT_URL));

/** Starts an example in a process of its own, against the built package. */
export function startExample(file: string, { env, ...options }: NodeProcessOptions = {}): NodeProcess {
  const loader = exampleLoader();
  return new NodeProcess(pathOf(file), {
    ...options,
    nodeOptions: loader.nodeOptions,
    env: { ...loader.env, ...env },
  });
}

/** Runs an example to its end. */
export async function runExample(file: string, options: NodeProcessOptions = {}): Promise<ProcessEnd> {
  return startExample(file, options).ended;
}

/** Runs an example as its user does, with tsx. */
export async function runExampleWithTsx(
  file: string,
  { env, ...options }: NodeProcessOptions = {},
): Promise<ProcessEnd> {
  const nodeOptions = ["--import", TSX_URL];
  return new NodeProcess(pathOf(file), { ...options, nodeOptions, env: { TSX_TSCONFIG_PATH, ...env } }).ended;
}
