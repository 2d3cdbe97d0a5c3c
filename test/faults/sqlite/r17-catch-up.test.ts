import { expect } from "vitest";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { fixtureReport } from "../support/child-fixture.js";
import { faultTest } from "../support/fault-test.js";

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
  await fixtureReport("catch-up.mjs", ["fill", path, driver, rounds]);
  for (const mode of ["read", "watch", "observe"]) {
    const report = await fixtureReport<Report>("catch-up.mjs", [mode, path, driver, rounds]);
    expect(report, mode).toMatchObject({ last: rounds, disorder: 0 });
    expect(report.maxRssBytes, mode).toBeLessThan(MAX_RSS_BYTES);
    count("events read", rounds);
    count(`most KiB of memory to ${mode}`, Math.round(report.maxRssBytes / 1024));
  }
});
