import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";

const EXAMPLES_URL = new URL("../../../examples/", import.meta.url);
const TSX_URL = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

// The build's own settings know no paths, so that the package's name leads to what was built and not to its sources.
const TSX_TSCONFIG_PATH = fileURLToPath(new URL("../../../tsconfig.build.json", import.meta.url));

/** Generous, because a loaded machine takes seconds to start a process. */
export const EXAMPLE_TIMEOUT_MS = 60_000;

export interface RunOptions {
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Aborted, it sends the example what Ctrl-C sends. */
  readonly interrupt?: AbortSignal;
}

export interface ExampleRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an example as its user does: a process of its own, with tsx, against the built package. */
export async function runExample(file: string, options: RunOptions = {}): Promise<ExampleRun> {
  const { args = [], cwd, env = {}, interrupt } = options;
  const child = spawn(process.execPath, ["--import", TSX_URL, fileURLToPath(new URL(file, EXAMPLES_URL)), ...args], {
    cwd,
    env: { ...process.env, TSX_TSCONFIG_PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  interrupt?.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { exitCode, stdout, stderr };
}
