import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type MigrationReport, migrate } from "../../../src/migrations/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { KilledMigratorConfig } from "../fixtures/killed-migrator.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type LedgerEntry, makeLedger, readSteps, STEP_COUNT, TABLE_STEPS } from "../support/table-steps.js";

const PROCESSES = 3;

/** About how many statements a process makes. */
const MAX_STATEMENT = 24;

/** The ids of what is applied: each migration ran up and down in turns. */
function appliedIn(ledger: readonly LedgerEntry[]): readonly string[] {
  const applied = new Set<string>();
  for (const { step, direction } of ledger) {
    expect(applied.has(`${step}`)).toBe(direction === "down");
    if (direction === "up") applied.add(`${step}`);
    else applied.delete(`${step}`);
  }
  return [...applied].sort();
}

faultTest(
  "R36 migrations of processes that migrate at the same time and are killed run once and completely, or leave nothing",
  { quick: 4, soak: 50 },
  async ({ rounds, random, integer, count }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`migrated-${round}.db`);
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
      {
        await using made = await sqliteStreamFactory(path, { driver });
        await makeLedger(made);
        if (random() < 0.5) await migrate(made, TABLE_STEPS);
      }
      const processes = Array.from({ length: PROCESSES }, () => {
        const to = integer(-1, STEP_COUNT - 1);
        const config: KilledMigratorConfig = {
          path,
          driver,
          to: to < 0 ? null : `${to}`,
          killAt: integer(1, MAX_STATEMENT),
          isAfter: random() < 0.5,
        };
        return startFixture("killed-migrator.ts", { args: [JSON.stringify(config)] });
      });
      await Promise.all(processes.map((process) => process.ready()));
      for (const process of processes) process.say("begin");
      const reported: string[] = [];
      for (const process of processes) {
        const { exitCode, stderr } = await process.ended;
        expect([exitCode ?? 0, stderr]).toEqual([0, ""]);
        count("kills", exitCode === null ? 1 : 0);
        const { applied, reverted } = JSON.parse(process.lines[1] ?? '{"applied":[],"reverted":[]}') as MigrationReport;
        reported.push(...applied.map((id) => `${id} up`), ...reverted.map((id) => `${id} down`));
      }

      await using streams = await sqliteStreamFactory(path, { driver });
      const { ledger, tables, notes } = await readSteps(streams);
      const applied = appliedIn(ledger);
      expect(notes).toEqual(applied);
      expect(applied).toEqual(TABLE_STEPS.slice(0, applied.length).map(({ id }) => id));
      expect(tables).toEqual(new Map(applied.map((id) => [id, [1, 2]])));
      expect(ledger.map(({ step, direction }) => `${step} ${direction}`)).toEqual(expect.arrayContaining(reported));
      const left = TABLE_STEPS.slice(applied.length).map(({ id }) => id);
      expect(await migrate(streams, TABLE_STEPS)).toEqual({ applied: left, reverted: [] });
      expect((await streams.verify()).problems).toEqual([]);
      count("migrations that ran", ledger.length);
      count("migrations that were reported", reported.length);
    }
  },
);
