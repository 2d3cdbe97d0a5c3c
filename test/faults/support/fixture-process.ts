import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A program of `fixtures/` that runs in a process of its own, is told things by lines and answers in lines. */
export class FixtureProcess implements AsyncDisposable {
  /** The whole lines that it has printed. A line that a kill cut short is not one. */
  readonly lines: string[] = [];
  /** Resolves to its exit code, null when it was killed, once all that it printed has arrived. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #rest = "";
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => this.#onOutput(chunk.toString()));
    // What is said to a process that was killed is lost.
    child.stdin?.on("error", () => undefined);
    this.ended = once(child, "close").then(([code]) => {
      this.#hasEnded = true;
      this.#check();
      return code as number | null;
    });
  }

  /** Waits until something holds that follows from what the process printed. */
  async waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`the process ended early: ${this.#child.spawnargs.join(" ")}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends its input, which asks it to come to an end. */
  finish(): Promise<number | null> {
    this.#child.stdin?.end();
    return this.ended;
  }

  /** Stops it, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  kill(): Promise<number | null> {
    this.#child.kill("SIGKILL");
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.kill();
  }

  #onOutput(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    this.lines.push(...parts);
    this.#check();
  }

  #check(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** Starts a fixture, which finds its configuration in its first argument. */
export function startFixture(name: string, config: unknown, env: NodeJS.ProcessEnv = {}): FixtureProcess {
  const file = fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, JSON.stringify(config)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  return new FixtureProcess(child);
}
