import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { loadState } from "../../../src/commands/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { createTempDir } from "../../support/temp-dir.js";
import { account } from "../support/account.js";
import { answersOf, startCommanding } from "../support/commanding.js";
import { faultTest } from "../support/fault-test.js";
import { raceForBalance, sendEverywhere } from "../support/racing-commands.js";

const PROCESSES = 4;

faultTest(
  "R80 commands of four processes on one stream: each is decided on the newest state, and one that is sent twice is stored once",
  { quick: 2, soak: 60 },
  async ({ rounds, count }) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path);
    const processes = await startCommanding({ path }, PROCESSES);
    try {
      for (let round = 0; round < rounds; round += 1) {
        await raceForBalance(streams, processes, `race-${round}`);
        await sendEverywhere(streams, processes, `twice-${round}`);
        count("commands", 50 + 4 * PROCESSES);
      }
      expect((await streams.verify()).problems).toEqual([]);
    } finally {
      await Promise.all(processes.map((process) => process.kill()));
    }
  },
);

faultTest(
  "R81 processes are killed while they handle commands, which others send again: each is stored once, and no account is overdrawn",
  { quick: 4, soak: 60 },
  async ({ rounds, integer, random, count }) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path);
    const accepted = new Map<string, number>();
    let pending: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [process] = await startCommanding({ path }, 1);
      if (process === undefined) throw new Error("no process");
      const fresh = Array.from({ length: 40 }, (_, index) => {
        // A withdrawal that is decided again mostly finds too little.
        const [kind, amount] = random() < 0.7 ? ["deposit", integer(1, 30)] : ["withdraw", integer(20, 60)];
        return `account-${integer(0, 3)} ${kind} ${amount} command-${round}-${index}`;
      });
      const commands = [...pending, ...fresh];
      for (const command of commands) process.say(command);
      const wanted = round === rounds - 1 ? commands.length : integer(0, commands.length - 1);
      await process.waitFor(() => process.lines.length > wanted);
      await process.kill();
      const answers = answersOf(process);
      for (const { command, written, events, error } of answers) {
        expect(error).toBeUndefined();
        // What is refused leaves no trace, and may be decided in another way when it is sent again.
        if (events === 0) continue;
        accepted.set(command, (accepted.get(command) ?? 0) + written);
        if (written === 0) count("commands that were stored without an answer");
      }
      const answered = new Set(answers.map(({ command }) => command));
      pending = commands.filter((command) => !answered.has(command));
      count("kills");
    }
    expect(pending).toEqual([]);
    let stored = 0;
    for (let number = 0; number < 4; number += 1) {
      const events = await eventsOf(await streams.openStream(`account-${number}`));
      let balance = 0;
      for (const { type, data } of events) {
        const { amount } = data as { amount: number };
        balance += type === "Deposited" ? amount : -amount;
        expect(balance).toBeGreaterThanOrEqual(0);
      }
      expect((await loadState(streams, account, `account-${number}`)).state).toBe(balance);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      stored += events.length;
    }
    // Nothing was acknowledged twice, and everything that was is there once.
    expect([...accepted.values()].every((times) => times <= 1)).toBe(true);
    expect(stored).toBe(accepted.size);
    expect((await streams.verify()).problems).toEqual([]);
  },
);
