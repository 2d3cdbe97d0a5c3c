import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type StoredEvent, sql } from "../../../index.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { AccountClientsConfig, AccountClientsReport } from "../fixtures/account-clients.js";
import type { RacingUnitsConfig } from "../fixtures/racing-units.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const PROCESSES = 4;
const CALLERS = 4;

/** Says the same to all at once, and returns the number that each answers. */
async function answers(processes: readonly NodeProcess[], line: string): Promise<readonly number[]> {
  const seen = processes.map(({ lines }) => lines.length);
  for (const process of processes) process.say(line);
  await Promise.all(
    processes.map((process, index) => process.waitFor(() => process.lines.length > (seen[index] ?? 0))),
  );
  return processes.map(({ lines }) => Number(lines.at(-1)));
}

faultTest(
  "R34 of units that race under one condition, in four processes, one is stored, and of a skew never both sides",
  { quick: 25, soak: 500 },
  async ({ rounds, count }) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using _ = await sqliteStreamFactory(path);
    await using stack = new AsyncDisposables<NodeProcess>();
    const processes = Array.from({ length: PROCESSES }, (_process, index) => {
      const config: RacingUnitsConfig = { path, process: index, callers: CALLERS };
      return stack.use(startFixture("racing-units.ts", { args: [JSON.stringify(config)] }));
    });
    await Promise.all(processes.map((process) => process.ready()));
    for (let round = 0; round < rounds; round += 1) {
      const won = await answers(processes, `race ${round}`);
      expect(won.reduce((sum, wins) => sum + wins)).toBe(1);
      count("units that lost", PROCESSES * CALLERS - 1);
      const [x = 0, y = 0] = await answers(processes.slice(0, 2), `skew ${round}`);
      expect(x + y).toBe(1);
    }
    for (const process of processes) expect(await process.finish()).toBe(0);
  },
);

/** Ends the processes that a test started, however it ends. */
class AsyncDisposables<T extends AsyncDisposable> implements AsyncDisposable {
  readonly #kept: T[] = [];

  use(disposable: T): T {
    this.#kept.push(disposable);
    return disposable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#kept.map((kept) => kept[Symbol.asyncDispose]()));
  }
}

const sumOf = (events: readonly StoredEvent[]): number => events.reduce((sum, { data }) => sum + Number(data), 0);

faultTest(
  "R35 events, records and tables that transactions of four processes change agree, beside appends and units",
  { quick: 1, soak: 16 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`store-${round}.db`);
      await using streams = await sqliteStreamFactory(path);
      await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER)`));
      const config = { path, clients: 4, calls: 30, accounts: integer(1, 6) };
      const processes = Array.from({ length: PROCESSES }, () => {
        const own: AccountClientsConfig = { ...config, seed: integer(1, 2 ** 30) };
        return startFixture("account-clients.ts", { args: [JSON.stringify(own)] });
      });
      await Promise.all(processes.map((process) => process.ready()));
      for (const process of processes) process.say("begin");
      let moved = 0;
      for (const { exitCode, stdout, stderr } of await Promise.all(processes.map(({ ended }) => ended))) {
        expect([exitCode, stderr]).toEqual([0, ""]);
        const report = JSON.parse(stdout.split("\n")[1] ?? "") as AccountClientsReport;
        moved += report.moved;
        for (const [figure, amount] of Object.entries(report)) count(figure, amount);
      }

      const events = await allEventsOf(streams);
      const of = (id: string): StoredEvent[] => events.filter(({ streamId }) => streamId === id);
      const rows = await streams.query<{ id: string; balance: number }>(sql`SELECT * FROM accounts ORDER BY id`);
      const records = await streams.transaction((tx) => tx.records.list("accounts"));
      expect(records.map(({ key, value }) => ({ id: key, ...value }))).toEqual(rows);
      expect(rows.map(({ id }) => ({ id, balance: sumOf(of(id)) }))).toEqual(rows);
      expect(rows.reduce((sum, { balance }) => sum + balance, 0)).toBe(0);
      expect(events.filter(({ type }) => type === "Moved")).toHaveLength(2 * moved);
      expect(of("left").map(({ data }) => data)).toEqual(of("right").map(({ data }) => data));
      expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
      expect((await streams.verify()).problems).toEqual([]);
    }
  },
);
