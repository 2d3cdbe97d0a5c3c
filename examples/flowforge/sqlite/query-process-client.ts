import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { childProgram } from "../child-program.js";
import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { QueryArgs, QueryLimits, Row, WindowQueryPort } from "../ports.js";
import { timedOut, tooLarge } from "../query-result.js";
import { checkReadOnlySql } from "../read-only-sql.js";
import { Turns } from "../turns.js";
import {
  OUT_OF_MEMORY_SIGNAL,
  type QueryAnswer,
  type QueryProcessSettings,
  type QueryRequest,
} from "./query-messages.js";

const MAX_MEMORY_BYTES = 256 * 1024 * 1024;
/** How long the process may take to interrupt a statement itself, before it is killed. */
const KILL_AFTER_MS = 500;
/** How the process ends itself, and how Node does it, when memory runs out. From outside, it is ended by another signal. */
const OUT_OF_MEMORY: readonly (NodeJS.Signals | null)[] = [OUT_OF_MEMORY_SIGNAL, "SIGABRT"];
/** Statements that wait for the one that runs. */
const MAX_WAITING = 256;

/**
 * Runs the statements of windows one after the other, in a process that has nothing else to lose. It is started with the first
 * statement, and again after it was killed.
 */
export class QueryProcess implements WindowQueryPort {
  readonly #settings: QueryProcessSettings;
  #child: Promise<ChildProcess> | undefined;
  readonly #turns = new Turns();
  #waiting = 0;
  #nextId = 1;
  #isClosed = false;

  constructor(path: string, limits: QueryLimits) {
    this.#settings = { path, limits, maxMemoryBytes: MAX_MEMORY_BYTES };
  }

  async query(args: QueryArgs): Promise<Row[]> {
    // What is refused anyway waits for nobody.
    checkReadOnlySql(args.sql);
    if (this.#waiting >= MAX_WAITING) throw new FlowForgeError("BUSY", "Too many queries are waiting.");
    this.#waiting += 1;
    try {
      return await this.#turns.take(() => this.#run(args));
    } finally {
      this.#waiting -= 1;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const child = await this.#child?.catch(() => undefined);
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async #run(args: QueryArgs): Promise<Row[]> {
    if (this.#isClosed) throw databaseClosed();
    const child = await this.#start();
    child.ref();
    child.channel?.ref();
    try {
      return await this.#ask(child, { id: this.#nextId++, ...args });
    } finally {
      // It keeps no program alive that has nothing else to do.
      child.unref();
      child.channel?.unref();
    }
  }

  async #start(): Promise<ChildProcess> {
    const former = await this.#child?.catch(() => undefined);
    if (former !== undefined && !hasEnded(former)) return former;
    this.#child = startProcess(this.#settings);
    try {
      return await this.#child;
    } catch (cause) {
      throw new FlowForgeError("INTERNAL", "The query process could not be started.", { cause });
    }
  }

  /** Resolves with the answer, or rejects when the process is late or ends. */
  #ask(child: ChildProcess, request: QueryRequest): Promise<Row[]> {
    const { limits } = this.#settings;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        child.off("message", onAnswer);
        child.off("exit", onExit);
      };
      const onAnswer = (answer: QueryAnswer) => {
        if (!("id" in answer) || answer.id !== request.id) return;
        end();
        if ("rows" in answer) resolve(answer.rows);
        else reject(new FlowForgeError(answer.error.code, answer.error.message));
      };
      const onExit = (_: number | null, signal: NodeJS.Signals | null) => {
        end();
        if (this.#isClosed) reject(databaseClosed());
        else if (isLate) reject(timedOut(limits));
        else if (OUT_OF_MEMORY.includes(signal)) reject(tooLarge("The query takes too much memory."));
        else reject(new FlowForgeError("INTERNAL", "The query process was ended. Run the query again."));
      };
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        child.kill("SIGKILL");
      }, limits.timeMs + KILL_AFTER_MS);
      child.on("message", onAnswer);
      child.once("exit", onExit);
      child.send(request, () => undefined);
    });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function startProcess(settings: QueryProcessSettings): Promise<ChildProcess> {
  const { file, folder, execArgv } = childProgram("sqlite/query-process");
  const child = fork(file, [JSON.stringify(settings)], {
    cwd: folder,
    execArgv: [...execArgv, "--max-old-space-size=256"],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const failed = once(child, "exit").then(([exitCode]) => {
    throw new Error(`${file} ended with exit code ${exitCode} before it was ready`);
  });
  await Promise.race([once(child, "message"), failed]);
  failed.catch(() => undefined);
  return child;
}
