import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type StoredEvent, type Stream } from "../../../protocols/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faketimeEnvironment } from "../support/faketime.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { holdLock } from "../support/held-lock.js";
import { turns } from "../support/turns.js";

interface ClockReport {
  readonly order: readonly number[];
  readonly positions: readonly number[];
  readonly ids: number;
  readonly years: readonly number[];
}

const HOUR_MS = 60 * 60_000;
const JUMPS_MS = [-HOUR_MS, 10 * 365 * 24 * HOUR_MS, 0, 0, 1, -10 * 365 * 24 * HOUR_MS];
const POLL_INTERVAL_MS = 10;
const IDLE_TICKS = 10;
const CALM_ATTEMPTS = 50;
const PATIENCE = { timeout: 20_000, interval: 1 };
const WRITES = 30;

/** Moves the wall clock, which stands still in between. The monotonic clock and the timers go on. */
function jump({ integer }: Laboratory): void {
  const jumpMs = JUMPS_MS[integer(0, JUMPS_MS.length - 1)] as number;
  vi.setSystemTime(Date.now() + jumpMs);
}

/** How often a watch polls while a timer of the same interval ticks some times, and the clock jumps. */
async function pollsWhileIdle(laboratory: Laboratory): Promise<number> {
  const timers = vi.spyOn(globalThis, "setTimeout");
  for (let tick = 0; tick < IDLE_TICKS; tick += 1) {
    jump(laboratory);
    await delay(POLL_INTERVAL_MS);
  }
  const polls = timers.mock.calls.length;
  timers.mockRestore();
  return polls;
}

/** Some time after the last write, a watch polls about as often as its interval says, whatever the clock says. */
async function expectCalm(laboratory: Laboratory): Promise<void> {
  let polls = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < CALM_ATTEMPTS && (polls === 0 || polls > 2 * IDLE_TICKS); attempt += 1) {
    polls = await pollsWhileIdle(laboratory);
  }
  expect(polls).toBeGreaterThan(0);
  expect(polls).toBeLessThanOrEqual(2 * IDLE_TICKS);
  laboratory.count("polls while idle", polls);
}

/** Two stores on one file write in turn, and the clock jumps before each write. One of them watches. */
async function writeAcrossJumps(laboratory: Laboratory, path: string): Promise<void> {
  const { integer, count } = laboratory;
  const options = { driver: DRIVER_NAMES[integer(0, 1)], pollIntervalMs: POLL_INTERVAL_MS };
  await using one = await sqliteStreamFactory(path, options);
  await using other = await sqliteStreamFactory(path, options);
  const writers: Stream[] = [];
  for (const store of [one, other]) for (const id of ["a", "b"]) writers.push(await store.openStream(id));
  const all = await one.openStream("@all");
  const seen: StoredEvent[] = [];
  all.watch().subscribe((event) => seen.push(event));

  const clockMs: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    jump(laboratory);
    clockMs.push(Date.now());
    await (writers[integer(0, writers.length - 1)] as Stream).write({ type: "Timed", data: write });
    if (integer(0, 3) === 0) await vi.waitFor(() => expect(seen.length).toBe(write + 1), PATIENCE);
  }
  await vi.waitFor(() => expect(seen.length).toBe(WRITES), PATIENCE);
  expect(seen.map(({ data }) => data)).toEqual(clockMs.map((_, index) => index));
  expect(seen.map(({ timestamp }) => timestamp.getTime())).toEqual(clockMs);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(WRITES);
  await expectNewestSnapshot(laboratory, writers[0] as Stream);
  await expectCalm(laboratory);
  count("writes", WRITES);
}

async function expectNewestSnapshot(laboratory: Laboratory, stream: Stream): Promise<void> {
  const { currentVersion } = await stream.metrics();
  for (const version of [0, currentVersion]) {
    await stream.snapshot({ version }, { version });
    jump(laboratory);
  }
  expect(await stream.loadSnapshot()).toMatchObject({ version: currentVersion, state: { version: currentVersion } });
}

/** Waiting for a lock is measured by a clock that does not jump: it ends neither at once nor never. */
async function waitAcrossJumps(path: string): Promise<void> {
  await using impatient = await sqliteStreamFactory(path, { busyTimeoutMs: 50 });
  await using patient = await sqliteStreamFactory(path, { busyTimeoutMs: 60_000 });
  const [ending, waiting] = [await impatient.openStream("a"), await patient.openStream("a")];
  await using lock = await holdLock(path);
  const refused = ending.write({ type: "Refused", data: null }).catch((error: unknown) => error);
  await turns(3);
  vi.setSystemTime(Date.now() - HOUR_MS);
  const error = await refused;
  expect(isStreamError(error, "STORAGE_LOCKED")).toBe(true);

  const written = waiting.write({ type: "Stored", data: null });
  await turns(3);
  vi.setSystemTime(Date.now() + 2 * HOUR_MS);
  await Promise.race([written, turns(200)]);
  await lock.release();
  expect((await written).written).toBe(1);
}

faultTest("R19 the clock jumps and stands still", { quick: 3, soak: 70 }, async (laboratory) => {
  const { rounds, count } = laboratory;
  await using folder = await createTempDir();
  // From 1970 on, so that the jumps lead to both sides of it.
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  try {
    for (let round = 0; round < rounds; round += 1) {
      await writeAcrossJumps(laboratory, folder.file(`${round}.db`));
      await waitAcrossJumps(folder.file(`${round}.db`));
      count("waits", 2);
    }
  } finally {
    vi.useRealTimers();
  }
});

const OFFSETS = ["-3600", "+10y", "-3600", "+0", "-20y", "+0", "+1y"];

const WHOLE_PROCESS = "R19 the clock of a whole process jumps";

faultTest(WHOLE_PROCESS, { quick: 1, soak: 24 }, async ({ rounds, integer, count }) => {
  await using folder = await createTempDir();
  for (let round = 0; round < rounds; round += 1) {
    const offsetFile = folder.file("offset");
    await writeFile(offsetFile, "+0");
    const env = faketimeEnvironment(offsetFile);
    if (env === undefined) return leftOut(WHOLE_PROCESS, "libfaketime is not installed");
    const offsets = [...OFFSETS, ...OFFSETS.map(() => OFFSETS[integer(0, OFFSETS.length - 1)])];
    const args = [folder.file(`whole-${round}.db`), JSON.stringify(offsets)];
    const report = await startFixture("clock-writer.mjs", { args, env }).report<ClockReport>();
    const numbers = offsets.map((_, index) => index);
    expect(report).toMatchObject({ order: numbers, positions: numbers.map((index) => index + 1), ids: numbers.length });
    // The clock did jump.
    expect((report.years[1] ?? 0) - (report.years[4] ?? 0)).toBeGreaterThan(25);
    count("writes", numbers.length);
  }
});
