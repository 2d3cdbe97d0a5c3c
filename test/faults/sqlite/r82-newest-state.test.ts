import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { answersTo, startCommanding } from "../support/commanding.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";

const PROCESSES = 3;
const STREAMS = ["a", "b"];
const STEPS = { quick: 150, soak: 400 };

/** More than there ever is, so that nothing is written: the answer has the state that was decided on. */
const LOOK = "withdraw 1000000000 -";

/** Processes that go on from states in memory, and what they have acknowledged. */
class Accounts {
  readonly path: string;
  readonly processes: NodeProcess[];
  readonly #laboratory: Laboratory;
  readonly #versions = new Map(STREAMS.map((streamId) => [streamId, 0]));

  constructor(path: string, processes: readonly NodeProcess[], laboratory: Laboratory) {
    this.path = path;
    this.processes = [...processes];
    this.#laboratory = laboratory;
  }

  get #anyProcess(): NodeProcess {
    return this.processes[this.#laboratory.integer(0, this.processes.length - 1)] as NodeProcess;
  }

  get #anyStream(): string {
    return STREAMS[this.#laboratory.integer(0, STREAMS.length - 1)] as string;
  }

  async deposit(processes: readonly NodeProcess[] = [this.#anyProcess], streamId = this.#anyStream): Promise<void> {
    const before = this.#versions.get(streamId) as number;
    const answers = await answersTo(processes, () => [`${streamId} deposit 1 -`]);
    const versions = answers.map(({ version }) => version).sort((a, b) => a - b);
    expect(versions).toEqual(processes.map((_, index) => before + 1 + index));
    this.#versions.set(streamId, before + processes.length);
    this.#laboratory.count("commands", processes.length);
  }

  /** What is acknowledged is in every decision that begins afterwards. */
  async look(processes: readonly NodeProcess[] = [this.#anyProcess], streamId = this.#anyStream): Promise<void> {
    const answers = await answersTo(processes, () => [`${streamId} ${LOOK}`]);
    const version = this.#versions.get(streamId) as number;
    for (const answer of answers) expect(answer).toMatchObject({ written: 0, version, balance: version });
    this.#laboratory.count("decisions without events", processes.length);
  }

  /** Suspends a process while it handles a command. The others go on, and the log begins anew meanwhile. */
  async suspendOne(): Promise<void> {
    const { integer, count } = this.#laboratory;
    const [suspended, ...others] = this.processes.sort(() => integer(-1, 1)) as [NodeProcess, ...NodeProcess[]];
    const streamId = this.#anyStream;
    const depositing = this.deposit([suspended, ...others], streamId);
    await delay(integer(0, 3));
    suspended.signal("SIGSTOP");
    await delay(integer(0, 10));
    await restartLog(this.path);
    suspended.signal("SIGCONT");
    await depositing;
    count("suspended");
    for (const each of STREAMS) await this.look(this.processes, each);
  }

  async killOne(): Promise<void> {
    await (this.processes.pop() as NodeProcess).kill();
    this.processes.push(...(await startCommanding({ path: this.path }, 1)));
    this.#laboratory.count("kills");
  }
}

/** Lets SQLite copy the log into the database, and begin it anew with the next commit, unless others are at it. */
async function restartLog(path: string): Promise<void> {
  const connection = await DRIVERS.sqlite3.open(path, "existing");
  try {
    await connection.all("PRAGMA wal_checkpoint(RESTART)");
  } finally {
    await connection.close();
  }
}

faultTest(
  "R82 every decision is on what any process has acknowledged before it, while others are suspended and killed, and the log begins anew",
  { quick: 1, soak: 40 },
  async (laboratory) => {
    const { rounds, size, random, integer } = laboratory;
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`store-${round}.db`);
      const accounts = new Accounts(path, await startCommanding({ path }, PROCESSES), laboratory);
      try {
        for (let step = 0; step < STEPS[size]; step += 1) {
          const chance = random();
          if (chance < 0.45) await accounts.deposit();
          else if (chance < 0.85) await accounts.look();
          else if (chance < 0.92) await accounts.look(accounts.processes);
          else if (chance < 0.95) await restartLog(path);
          else if (chance < 0.99) await accounts.suspendOne();
          else await accounts.killOne();
          if (chance < 0.1) await goOnAlone(accounts, integer(4, 12));
        }
      } finally {
        await Promise.all(accounts.processes.map((process) => process.kill()));
      }
      await using streams = await sqliteStreamFactory(path);
      expect((await streams.verify()).problems).toEqual([]);
    }
  },
);

/** Until another one writes. */
async function goOnAlone(accounts: Accounts, commands: number): Promise<void> {
  const [process, other] = accounts.processes as [NodeProcess, NodeProcess];
  for (let number = 0; number < commands; number += 1) {
    await accounts.deposit([process], "a");
    await accounts.look([process], "a");
  }
  await accounts.deposit([other], "a");
  await accounts.look([process], "a");
}
