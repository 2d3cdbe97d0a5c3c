import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { holdLock } from "../support/held-lock.js";

const MIB = 1024 * 1024;

interface Report {
  readonly maxRssBytes: number;
}

/** What is neglected, the heap that the process has, in MiB, and what becomes of the calls. */
const CASES = [
  { kind: "watches", count: 40, heapMiB: 400, outcome: { missed: 0 } },
  { kind: "iterators", count: 1_500, heapMiB: 350, outcome: { missed: 0 } },
  { kind: "writes", count: 1, heapMiB: 800, outcome: { refused: true } },
  { kind: "snapshots", count: 6, heapMiB: 400, outcome: { loaded: 6 } },
] as const;
/** Six snapshots at a time would take 1,200 MiB and more. */
const MAX_RSS_BYTES = 1_100 * MIB;

faultTest("R32 what waits in a store has one bound", { quick: 1, soak: 2 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  for (let round = 0; round < rounds; round += 1) {
    const driver = DRIVER_NAMES[(seed + round) % DRIVER_NAMES.length] as DriverName;
    for (const { kind, count: consumers, heapMiB, outcome } of CASES) {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await (await sqliteStreamFactory(path))[Symbol.asyncDispose]();
      await using _ = kind === "writes" ? await holdLock(path) : undefined;
      const args = [kind, path, driver, consumers];
      const report = await startFixture("memory-pressure.mjs", {
        args,
        nodeOptions: [`--max-old-space-size=${heapMiB}`],
      }).report<Report>();

      expect(report, kind).toMatchObject(outcome);
      expect(report.maxRssBytes, kind).toBeLessThan(MAX_RSS_BYTES);
      count(`most MiB with neglected ${kind}`, Math.round(report.maxRssBytes / MIB));
    }
  }
});
