import { expect } from "vitest";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** Three quarters of what is written lie behind the slow watcher at the least. */
const LEAST_BEHIND = 0.75;

interface Counter {
  readonly last: number;
  readonly disorder: number;
}

interface Report {
  readonly growthBytes: number;
  readonly behind: number;
  readonly slow: Counter;
  readonly fast: Counter;
  readonly leaving: Counter;
  readonly leavesAt: number;
}

faultTest("R16 a slow watcher costs no memory", { quick: 100_000, soak: 1_000_000 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  await using folder = await createTempDir();
  const driver = DRIVER_NAMES[seed % DRIVER_NAMES.length] as DriverName;
  const args = [folder.file("store.db"), driver, rounds];
  const nodeOptions = ["--expose-gc", "--max-old-space-size=64"];
  const report = await startFixture("slow-watcher.mjs", { args, nodeOptions }).report<Report>();

  const all = { last: rounds, disorder: 0 };
  expect(report).toMatchObject({ slow: all, fast: all, leaving: { last: report.leavesAt, disorder: 0 } });
  expect(report.behind).toBeGreaterThan(rounds * LEAST_BEHIND);
  expect(report.growthBytes).toBeLessThan(MAX_GROWTH_BYTES);
  count("events behind", report.behind);
  count("most KiB of growth", Math.round(report.growthBytes / 1024));
});
