import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Acknowledgement } from "../faults/support/batches.js";
import { compiledProgram } from "./compiled-program.js";
import type { StoreThreadConfig, StoreThreadMessage } from "./store-thread-entry.js";

const ENTRY = fileURLToPath(new URL("store-thread-entry.ts", import.meta.url));

/** A worker thread that writes to a store. */
export class StoreThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Set<() => void>();
  #failure: unknown;
  #hasEnded = false;
  /** What it has reported. */
  readonly messages: StoreThreadMessage[] = [];

  constructor(config: StoreThreadConfig) {
    this.#worker = new Worker(compiledProgram(ENTRY), { workerData: config, execArgv: [] });
    this.#worker.on("message", (message: StoreThreadMessage) => {
      this.messages.push(message);
      this.#check();
    });
    this.#worker.on("error", (error) => {
      this.#failure = error;
    });
    this.#worker.on("exit", () => {
      this.#hasEnded = true;
      this.#check();
    });
  }

  /** The writes that were acknowledged. */
  get acknowledged(): Acknowledgement[] {
    return this.messages.flatMap((message) => (message.kind === "acknowledged" ? [message.acknowledgement] : []));
  }

  /** Waits for a condition that depends on what the thread reports. */
  async waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`the thread ended early: ${this.#failure ?? JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Asks it to come to an end, and waits for that. */
  async finish(): Promise<void> {
    this.#worker.postMessage("end");
    if (!this.#hasEnded) await once(this.#worker, "exit");
    if (this.#failure !== undefined) throw this.#failure;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #check(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
