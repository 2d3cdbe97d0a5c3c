import { expect } from "vitest";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const CYCLES_A_WATCHER = 4;
const WATCHERS_A_FACTORY = 10;

interface Report {
  readonly listeners: { readonly shared: number; readonly left: number };
  readonly listenersAfterCycles: number;
  readonly descriptors: number;
  readonly resources: number;
  readonly cycleHeapBytes: number;
  readonly factoryHeapBytes: number;
}

faultTest("R18 what is opened and closed leaves nothing behind", { quick: 1_000, soak: 3_000 }, async (laboratory) => {
  const { rounds: watchers, count } = laboratory;
  await using folder = await createTempDir();
  const cycles = watchers * CYCLES_A_WATCHER;
  const factories = watchers / WATCHERS_A_FACTORY;
  const args = [folder.file("store.db"), watchers, cycles, factories];
  // Anything on standard error, such as a warning of too many listeners, is a failure.
  const report = await startFixture("open-and-close.mjs", { args, nodeOptions: ["--expose-gc"] }).report<Report>();

  expect(report.listeners).toEqual({ shared: 1, left: 0 });
  expect(report).toMatchObject({ listenersAfterCycles: 0, descriptors: 0, resources: 0 });
  // A cursor or a handle that is kept takes more than 200 bytes.
  expect(report.cycleHeapBytes).toBeLessThan((cycles / 2) * 100);
  expect(report.factoryHeapBytes).toBeLessThan((factories / 2) * 5_000);
  count("watchers", watchers);
  count("cycles", cycles);
  count("factories", factories);
});
