import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** A program that hangs is ended before the test's own time is over, so that it does not outlive it. */
const LIFETIME_MS = process.env.FAULT_SIZE === "soak" ? 55 * 60_000 : 110_000;

export interface NodeProcessOptions {
  readonly args?: readonly (string | number)[];
  readonly nodeOptions?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** How a process ended. */
export interface ProcessEnd {
  /** Null when it was killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program in a process of its own, which takes lines and answers in lines. Disposing it kills it. */
export class NodeProcess implements AsyncDisposable {
  /** The whole lines that it has printed. A line that a kill cut short is not one. */
  readonly lines: string[] = [];
  /** Resolves once all that it printed has arrived. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #rest = "";
  #end: ProcessEnd | undefined;

  /** Starts a program in JavaScript, unless the options tell Node how to load another. */
  constructor(file: string, { args = [], nodeOptions = [], cwd, env = {} }: NodeProcessOptions = {}) {
    const child = spawn(process.execPath, [...nodeOptions, file, ...args.map(String)], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: LIFETIME_MS,
      killSignal: "SIGKILL",
    });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.#onOutput(chunk));
    // What is said to a process that was killed is lost.
    child.stdin.on("error", () => undefined);
    this.ended = Promise.all([once(child, "close"), text(child.stderr)]).then(([[exitCode], stderr]) => {
      const end = { exitCode, stdout: [...this.lines, this.#rest].join("\n"), stderr };
      this.#end = end;
      this.#check();
      return end;
    });
  }

  /** Waits until something holds that follows from what the process printed. */
  async waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#end !== undefined) {
        throw new Error(`the process ended early: ${this.#child.spawnargs.join(" ")}\n${this.#end.stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Waits for its first line. */
  ready(): Promise<void> {
    return this.waitFor(() => this.lines.length > 0);
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends its input, which asks it to come to an end, and returns its exit code. */
  async finish(): Promise<number | null> {
    this.#child.stdin?.end();
    return this.#exitCode();
  }

  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGINT" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Ends it at once, and returns its exit code: null, unless it had ended before. */
  async kill(): Promise<number | null> {
    this.#child.kill("SIGKILL");
    return this.#exitCode();
  }

  /** Waits until it has ended by itself and without complaint, and returns what it printed, as JSON. */
  async report<Report>(): Promise<Report> {
    const { exitCode, stdout, stderr } = await this.ended;
    if (exitCode !== 0 || stderr !== "") throw new Error(`${this.#child.spawnargs.join(" ")}: ${exitCode} ${stderr}`);
    return JSON.parse(stdout) as Report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end === undefined) await this.kill();
  }

  /** What it complained of is shown with the test's own output, so that a failure can be understood. */
  async #exitCode(): Promise<number | null> {
    const { exitCode, stderr } = await this.ended;
    process.stderr.write(stderr);
    return exitCode;
  }

  #onOutput(chunk: string): void {
    const parts = (this.#rest + chunk).split("\n");
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
