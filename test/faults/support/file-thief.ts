import { Worker } from "node:worker_threads";

/** What happens to the files of a store, as a step of a few calls that nothing comes between on its thread. */
export type Theft =
  | "everything is deleted"
  | "everything is moved"
  | "the folder is moved"
  | "the database is moved"
  | "a copy replaces the database"
  | "the log is removed"
  | "the index of the log is removed"
  | "the log is cut";

export const THEFTS: readonly Theft[] = [
  "everything is deleted",
  "everything is moved",
  "the folder is moved",
  "the database is moved",
  "a copy replaces the database",
  "the log is removed",
  "the index of the log is removed",
  "the log is cut",
];

// Plain JavaScript: a worker is not given the loader that the tests run with.
const CODE = `
const fs = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
const { theft, folder, done, cut } = workerData;
const path = folder + "/store.db";
const endings = ["", "-wal", "-shm", "-head"];
const thefts = {
  "everything is deleted": () => endings.forEach((ending) => fs.rmSync(path + ending, { force: true })),
  "everything is moved": () => {
    fs.mkdirSync(folder + "/moved");
    for (const ending of endings) if (fs.existsSync(path + ending)) fs.renameSync(path + ending, folder + "/moved/store.db" + ending);
  },
  "the folder is moved": () => fs.renameSync(folder, folder + "-moved"),
  "the database is moved": () => fs.renameSync(path, folder + "/elsewhere.db"),
  "a copy replaces the database": () => fs.renameSync(folder + "/copy.db", path),
  "the log is removed": () => fs.rmSync(path + "-wal"),
  "the index of the log is removed": () => fs.rmSync(path + "-shm"),
  "the log is cut": () => fs.truncateSync(path + "-wal", Math.floor(cut * Math.max(0, fs.statSync(path + "-wal").size - ${2 * 4_120}))),
};
parentPort.once("message", () => {
  thefts[theft]();
  Atomics.store(done, 0, 1);
  parentPort.close();
});
parentPort.postMessage("ready");
`;

/** A thread that takes the files of a store away, at the same time as others use it. */
export class FileThief implements AsyncDisposable {
  readonly #done = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #exit: Promise<unknown>;

  private constructor(theft: Theft, folder: string, cut: number) {
    this.#worker = new Worker(CODE, { eval: true, workerData: { theft, folder, cut, done: this.#done } });
    this.#exit = new Promise((resolve, reject) => {
      this.#worker.once("error", reject);
      this.#worker.once("exit", resolve);
    });
  }

  /** @param cut - which share of the log is left, from 0 to 1 */
  static async wait(theft: Theft, folder: string, cut: number): Promise<FileThief> {
    const thief = new FileThief(theft, folder, cut);
    await new Promise((resolve) => thief.#worker.once("message", resolve));
    return thief;
  }

  /** Whether the files are gone. True for all threads from one moment on. */
  get isDone(): boolean {
    return Atomics.load(this.#done, 0) === 1;
  }

  strike(): void {
    this.#worker.postMessage("strike");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#exit;
  }
}
