import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Answer, Task } from "./task.js";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));

/** No measurement and no filling takes that long unless it is stuck. */
const LIMIT_MS = 30 * 60_000;

const running = new Set<ChildProcess>();

/** Runs a task in a process of its own. */
export async function runChild(task: Task): Promise<Answer> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  try {
    const [output, errors, [exitCode, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return readAnswer(output) ?? { error: errorLine(errors) ?? `it ended with ${signal ?? exitCode} and said nothing` };
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

/** Ends what is running, for when the run is given up. */
export function endChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

function readAnswer(output: string): Answer | undefined {
  // What peers print stands before it.
  const line = lastLine(output);
  if (line === undefined || !line.startsWith("{")) return undefined;
  return JSON.parse(line) as Answer;
}

/** What an uncaught error says of itself, among the lines of code and of the stack around it. */
function errorLine(errors: string): string | undefined {
  return errors.split("\n").find((line) => /^\S*error\b/i.test(line)) ?? lastLine(errors);
}

function lastLine(output: string): string | undefined {
  return output.trimEnd().split("\n").at(-1) || undefined;
}
