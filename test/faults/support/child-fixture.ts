import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const FIXTURES_URL = new URL("../fixtures/", import.meta.url);

/** A fixture that hangs is ended before the test's own time is over, so that it does not outlive it. */
const LIFETIME_MS = process.env.FAULT_SIZE === "soak" ? 55 * 60_000 : 110_000;

/** How a fixture's process came to its end. */
export interface FixtureEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fixture that runs. */
export interface Fixture {
  /** Resolves when it has printed something, and rejects when it comes to its end without. */
  readonly ready: Promise<void>;
  readonly ended: Promise<FixtureEnd>;
  /** Hands it the only line of its input. */
  say(line: string): void;
}

/** Starts a fixture in a process of its own. Fixtures are plain JavaScript over the built package: they start fast. */
export function startFixture(
  name: string,
  args: readonly (string | number)[] = [],
  nodeOptions: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Fixture {
  const file = fileURLToPath(new URL(name, FIXTURES_URL));
  const child = spawn(process.execPath, [...nodeOptions, file, ...args.map(String)], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: LIFETIME_MS,
    killSignal: "SIGKILL",
  });
  // A fixture that has died takes no more input.
  child.stdin.on("error", () => undefined);
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(
    ([stdout, stderr, [exitCode, signal]]) => ({ exitCode, signal, stdout, stderr }),
  );
  const diedEarly = ended.then(({ exitCode, signal, stderr }) => {
    throw new Error(`${name} ended early with ${exitCode ?? signal}: ${stderr}`);
  });
  const ready = Promise.race([once(child.stdout, "data"), diedEarly]).then(() => undefined);
  // Whoever needs it to be ready asks.
  ready.catch(() => undefined);
  return { ready, ended, say: (line) => child.stdin.end(`${line}\n`) };
}

/** Runs a fixture that has to end by itself and in silence, and returns the report that it prints as JSON. */
export async function fixtureReport<Report>(
  name: string,
  args: readonly (string | number)[] = [],
  nodeOptions: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Report> {
  const { exitCode, signal, stdout, stderr } = await startFixture(name, args, nodeOptions, env).ended;
  if (exitCode !== 0 || stderr !== "") throw new Error(`${name} ended with ${exitCode ?? signal}: ${stderr}`);
  return JSON.parse(stdout) as Report;
}
