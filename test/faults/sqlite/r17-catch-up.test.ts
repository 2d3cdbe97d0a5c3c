import { expect } from "vitest";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

/** What the whole process may take, Node itself and SQLite's caches included. */
const MAX_RSS_BYTES = 150 * 1024 * 1024;

interface Report {
  readonly last: number;
  readonly disorder: number;
  readonly maxRssBytes: number;
}

faultTest("R17 a long history is read in constant memory", { quick: 100_000, soak: 1_000_000 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  const driver = DRIVER_NAMES[seed % DRIVER_NAMES.length] as DriverName;
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await startFixture("catch-up.mjs", { args: ["fill", path, driver, rounds] }).report();
  for (const mode of ["read", "watch", "observe"]) {
    const report = await startFixture("catch-up.mjs", { args: [mode, path, driver, rounds] }).report<Report>();
    expect(report, mode).toMatchObject({ last: rounds, disorder: 0 });
    expect(report.maxRssBytes, mode).toBeLessThan(MAX_RSS_BYTES);
    count("events read", rounds);
    count(`most KiB of memory to ${mode}`, Math.round(report.maxRssBytes / 1024));
  }
});
