import { existsSync } from "node:fs";
import { appendFile, readFile, stat, truncate } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { acknowledgedPosition } from "../../support/acknowledged.js";
import type { NodeProcess } from "../../support/node-process.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { AcknowledgingWriterConfig } from "../fixtures/acknowledging-writer.js";
import { Examiner } from "../support/examiner.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const WRITERS = 3;
const PHASES = 5;
const MAX_BURST_EVENTS = 30;
const RECORD_TIMEOUT_MS = 30_000;
/** Whoever was stopped with the lock goes on before the others give up. */
const MAX_BURST_MS = 10_000;
/** More than a file has that is replaced by a shorter one at its next record. */
const GROWN_BYTES = 70_000;

const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4_096;

/** The processes that write to one store, and what is promised of their records so far. */
class Writers implements AsyncDisposable {
  readonly #path: string;
  readonly #laboratory: Laboratory;
  readonly #running: NodeProcess[] = [];
  readonly #stopped = new Set<NodeProcess>();
  /** Every loss before this position has to be reported. */
  promised = 0;
  /** What was acknowledged, promised or not. */
  acknowledged = 0;

  constructor(path: string, laboratory: Laboratory) {
    this.#path = path;
    this.#laboratory = laboratory;
  }

  async start(): Promise<void> {
    while (this.#running.length < WRITERS) this.#running.push(this.#spawn());
    for (const writer of this.#running) await writer.waitFor(() => writer.lines.length > 0);
  }

  /** Some write at the same time. One may be killed or held up meanwhile, one stops with its last record still due. */
  async phase(): Promise<void> {
    const { random, integer, count } = this.#laboratory;
    await this.#goOn(() => random() < 0.5);
    const freeing = setTimeout(() => void this.#goOn(() => true), MAX_BURST_MS);
    const [late, unlucky, ...others] = this.#running.filter((writer) => !this.#stopped.has(writer));
    if (late !== undefined && unlucky !== undefined) {
      await this.#stopBehindWrites(late);
      count("stops");
    }
    const writing = [unlucky, ...others].filter((writer) => writer !== undefined);
    const bursts = writing.map((writer) => burst(writer, `${integer(1, MAX_BURST_EVENTS)}`, "done"));
    const fate = random();
    if (unlucky !== undefined && fate < 0.2) {
      await delay(integer(0, 30));
      await this.#end(unlucky, () => unlucky.kill());
      count("kills");
    } else if (unlucky !== undefined && fate < 0.5) {
      await holdUp(unlucky, integer(0, 60));
      count("stops");
    }
    await Promise.all(bursts).finally(() => clearTimeout(freeing));
    await this.#promise(writing.filter((writer) => this.#running.includes(writer)));
    if (random() < 0.3) await this.#closeOne();
    if (random() < 0.2) await this.#growFile();
    await this.start();
  }

  /** Lets those that stopped record what is due, or not quite. */
  async finish(): Promise<void> {
    await this.#goOn(() => true);
    await delay(this.#laboratory.integer(0, 60));
    await this.killAll();
  }

  async killAll(): Promise<void> {
    for (const writer of [...this.#running]) await this.#end(writer, () => writer.kill());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.killAll();
  }

  #spawn(): NodeProcess {
    const driver = DRIVER_NAMES[this.#laboratory.integer(0, DRIVER_NAMES.length - 1)] as (typeof DRIVER_NAMES)[number];
    const config: AcknowledgingWriterConfig = { address: { path: this.#path }, driver };
    return startFixture("acknowledging-writer.ts", { args: [JSON.stringify(config)] });
  }

  async #end(writer: NodeProcess, how: () => Promise<number | null>): Promise<void> {
    this.#running.splice(this.#running.indexOf(writer), 1);
    this.#stopped.delete(writer);
    await how();
    this.#heed([writer]);
  }

  async #stopBehindWrites(writer: NodeProcess): Promise<void> {
    await burst(writer, `${this.#laboratory.integer(1, MAX_BURST_EVENTS)} stop`, "stopping");
    this.#stopped.add(writer);
  }

  async #goOn(isWanted: () => boolean): Promise<void> {
    for (const writer of [...this.#stopped].filter(isWanted)) {
      this.#stopped.delete(writer);
      const goingOn = answer(writer, "done");
      writer.signal("SIGCONT");
      await goingOn;
    }
  }

  /** Whoever runs has recorded what it acknowledged before long, whatever became of the others. */
  async #promise(writers: readonly NodeProcess[]): Promise<void> {
    this.#heed(this.#running);
    const last = Math.max(0, ...writers.map(lastPosition));
    await vi.waitFor(
      async () => expect(await acknowledgedPosition(this.#path)).toBeGreaterThanOrEqual(last),
      RECORD_TIMEOUT_MS,
    );
    this.promised = Math.max(this.promised, last);
  }

  async #closeOne(): Promise<void> {
    const closing = this.#running.find((writer) => !this.#stopped.has(writer));
    if (closing === undefined) return;
    await this.#end(closing, async () => {
      const code = await closing.finish();
      expect(code).toBe(0);
      return code;
    });
    this.#laboratory.count("closings");
  }

  /** Repeats what is recorded, as a long run would. */
  async #growFile(): Promise<void> {
    const head = `${this.#path}-head`;
    if (!existsSync(head)) return;
    const records = await readFile(head, "latin1");
    await appendFile(head, records.repeat(Math.ceil(GROWN_BYTES / records.length)));
    this.#laboratory.count("grown files");
  }

  #heed(writers: readonly NodeProcess[]): void {
    this.acknowledged = Math.max(this.acknowledged, ...writers.map(lastPosition));
  }
}

function lastPosition({ lines }: NodeProcess): number {
  return Math.max(0, ...lines.map(Number).filter(Number.isInteger));
}

/** Resolves when the writer has said so, or was killed. */
async function answer(writer: NodeProcess, word: string): Promise<void> {
  const said = () => writer.lines.filter((line) => line === word).length;
  const before = said();
  await Promise.race([writer.waitFor(() => said() > before).catch(() => undefined), writer.ended]);
}

function burst(writer: NodeProcess, order: string, word: string): Promise<void> {
  const answered = answer(writer, word);
  writer.say(order);
  return answered;
}

async function holdUp(writer: NodeProcess, durationMs: number): Promise<void> {
  writer.signal("SIGSTOP");
  await delay(durationMs);
  writer.signal("SIGCONT");
}

/** @returns whether there was a log to cut */
async function cutLog(path: string, { integer }: Laboratory): Promise<boolean> {
  const log = `${path}-wal`;
  const { size } = await stat(log);
  const frames = Math.floor((size - LOG_HEADER_BYTES) / FRAME_BYTES);
  if (frames < 1) return false;
  await truncate(log, LOG_HEADER_BYTES + integer(0, frames - 1) * FRAME_BYTES);
  return true;
}

faultTest(
  "R31 what was acknowledged stays recorded, whoever else writes, is stopped, killed or closes",
  { quick: 1, soak: 16 },
  async (laboratory) => {
    const { rounds, random, count } = laboratory;
    await using examiner = new Examiner();
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`store-${round}.db`);
      await using writers = new Writers(path, laboratory);
      await writers.start();
      for (let phase = 0; phase < PHASES; phase += 1) await writers.phase();
      await writers.finish();
      const { promised, acknowledged } = writers;
      count("acknowledged events", acknowledged);
      const isCut = random() < 0.7 && (await cutLog(path, laboratory));
      const found = await examiner.examine({ path });
      const left = found.contents?.events.filter((event) => !event.startsWith("again ")).length ?? 0;
      if (!isCut) {
        expect(found).toMatchObject({ opening: "ok", verifying: "ok", problems: [] });
        expect(left).toBeGreaterThanOrEqual(acknowledged);
        count("whole stores");
      } else if (left < promised) {
        expect(found).toMatchObject({ opening: "ok", verifying: "problems" });
        expect(found.problems.map(({ kind }) => kind)).toContain("head");
        count("losses reported");
      } else count("cuts that lost nothing promised");
    }
  },
);
