import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import type { BatchWriterConfig } from "../fixtures/batch-writer.js";
import { type Acknowledgement, writeBatch } from "./batches.js";
import { startFixture } from "./fixture.js";

const SHAPE = { streams: 6, maxEvents: 5, maxFillerBytes: 400 };
const LARGE_SHAPE = { streams: 6, maxEvents: 900, maxFillerBytes: 60 };
const LARGE_BATCHES = 25;
const WRITERS = 2;

/** Makes a store that takes several steps to copy. */
export async function makeLargeStore(path: string): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  for (let index = 0; index < LARGE_BATCHES; index += 1) await writeBatch(streams, `large/${index}`, LARGE_SHAPE);
}

/** A store that other processes write to, where one checkpoints the log, and this one saves snapshots. */
export class StoreUnderLoad implements AsyncDisposable {
  readonly #writers: readonly NodeProcess[];
  readonly #checkpointer: NodeProcess;
  readonly #snapshots: Promise<void>;
  #isOver = false;

  constructor(path: string, driver: SQLiteOptions["driver"], clients: number) {
    this.#writers = Array.from({ length: WRITERS }, (_, index) => {
      const config: BatchWriterConfig = { path, driver, run: `writer-${index}`, clients, shape: SHAPE };
      return startFixture("batch-writer.ts", { args: [JSON.stringify(config)] });
    });
    this.#checkpointer = startFixture("checkpointer.ts", { args: [path] });
    this.#snapshots = this.#saveSnapshots(path, driver);
    // It is awaited at the end.
    this.#snapshots.catch(() => undefined);
  }

  async started(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.waitFor(() => writer.lines.length > 1)));
  }

  /** What the writers have been told so far. */
  get acknowledged(): readonly Acknowledgement[] {
    return this.#writers.flatMap(({ lines }) => lines.slice(1).map((line) => JSON.parse(line) as Acknowledgement));
  }

  /** Lets everybody come to an end, and returns how they did. */
  async finish(): Promise<readonly (number | null)[]> {
    this.#isOver = true;
    const ends = [...this.#writers, this.#checkpointer].map((process) => process.finish());
    await this.#snapshots;
    return Promise.all(ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([this.#snapshots]);
    for (const process of [...this.#writers, this.#checkpointer]) await process[Symbol.asyncDispose]();
  }

  async #saveSnapshots(path: string, driver: SQLiteOptions["driver"]): Promise<void> {
    await using streams = await sqliteStreamFactory(path, { driver });
    await using stream = await streams.openStream("stream-0");
    while (!this.#isOver) {
      const { currentVersion } = await stream.metrics();
      await stream.snapshot({ currentVersion }, { version: currentVersion });
    }
  }
}
