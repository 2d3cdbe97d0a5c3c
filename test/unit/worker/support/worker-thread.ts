import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import type { StreamFactory } from "../../../../protocols/index.js";
import { exposeStreams, type StreamPort } from "../../../../src/worker/index.js";
import { compiledProgram } from "../../../support/compiled-program.js";
import type { WorkerReport, WorkerTask } from "./worker-entry.js";

const ENTRY = fileURLToPath(new URL("worker-entry.ts", import.meta.url));

/** A worker thread that has a task over a store of this thread. */
export class WorkerThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Set<() => void>();
  readonly #reports: WorkerReport[] = [];
  #failure: unknown;
  #hasEnded = false;
  /** How many messages the store's side has sent. */
  messagesSent = 0;

  constructor(streams: StreamFactory, task: WorkerTask) {
    const { port1, port2 } = new MessageChannel();
    const counting: StreamPort = {
      postMessage: (message) => {
        this.messagesSent += 1;
        port1.postMessage(message);
      },
      on: (event, listener) => port1.on(event, listener),
      off: (event, listener) => port1.off(event, listener),
    };
    exposeStreams(streams, counting);
    this.#worker = new Worker(compiledProgram(ENTRY), {
      workerData: { port: port2, task },
      transferList: [port2],
      execArgv: [],
    });
    this.#worker.on("message", (report: WorkerReport) => {
      this.#reports.push(report);
      this.#wakeAll();
    });
    this.#worker.on("error", (error) => {
      this.#failure = error;
    });
    this.#worker.on("exit", () => {
      this.#hasEnded = true;
      this.#wakeAll();
    });
  }

  /** Waits for what the worker reports under a name. */
  async report(name: string): Promise<unknown> {
    for (;;) {
      const found = this.#reports.find((report) => report.name === name);
      if (found !== undefined) return found.value;
      if (this.#hasEnded) throw new Error(`the worker ended without a report of ${name}`, { cause: this.#failure });
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #wakeAll(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
