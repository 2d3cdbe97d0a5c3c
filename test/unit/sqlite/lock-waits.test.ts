import { describe, expect, test, vi } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { holdLock } from "../../faults/support/held-lock.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const BUSY_TIMEOUT_MS = 1_000;
const CALLS = 20;
/** Half of what one call after the other would take, and far from what a slow machine adds to a single wait. */
const MAX_WAITS = CALLS / 2;
/** As many events as one group takes, so that each write is a group of its own. */
const GROUP_EVENTS = 4_096;

const event = (number: number) => ({ type: "Counted", data: number });
const groupOfEvents = Array.from({ length: GROUP_EVENTS }, (_, index) => event(index));

describe.each(DRIVER_NAMES)("over %s, while another process holds the lock", (driver) => {
  test("calls that queue for it wait side by side, and so does a disposal", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const streams = await sqliteStreamFactory(path, { driver, busyTimeoutMs: BUSY_TIMEOUT_MS });
    const stream = await streams.openStream("a");
    await stream.write(event(0));
    await using _ = await holdLock(path);

    const beganMs = performance.now();
    const calls = Array.from({ length: CALLS }, (_, index) =>
      index % 4 === 0 ? stream.snapshot({ index }) : stream.write(groupOfEvents),
    );
    const outcomes = Promise.allSettled(calls);
    await streams[Symbol.asyncDispose]();
    const waitedMs = performance.now() - beganMs;

    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: "STORAGE_LOCKED" } });
    expect(waitedMs).toBeGreaterThanOrEqual(BUSY_TIMEOUT_MS);
    expect(waitedMs).toBeLessThan(MAX_WAITS * BUSY_TIMEOUT_MS);
    await using reopened = await sqliteStreamFactory(path, { driver });
    expect((await reopened.openStream("a")).version).toBe(1);
  });

  test("a write that came later has its own time, and is stored once the lock is free", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let attempts = 0;
    const counting = faultyDriver(({ sql }) => {
      if (sql.startsWith("BEGIN")) attempts += 1;
      return undefined;
    }, DRIVERS[driver]);
    const options = { busyTimeoutMs: BUSY_TIMEOUT_MS };
    await using streams = createStreamFactory(await openSQLiteBackend(path, options, counting));
    const stream = await streams.openStream("a");
    await stream.write(event(0));
    const lock = await holdLock(path);
    attempts = 0;
    const early = Promise.allSettled([stream.write(groupOfEvents), stream.write(groupOfEvents)]);
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(8));
    const late = stream.write(event(1));
    for (const outcome of await early) expect(outcome).toMatchObject({ reason: { code: "STORAGE_LOCKED" } });
    await lock.release();

    await expect(late).resolves.toMatchObject({ version: 2 });
  });
});

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test("the time that a write spends behind this store's own work is not charged as a wait for a lock", async () => {
    const workMs = 60;
    let commits = 0;
    let isLocked = false;
    const slow = faultyDriver(({ sql }) => {
      if (!sql.includes("INSERT INTO es_append")) return undefined;
      if (isLocked) {
        isLocked = false;
        return "SQLITE_BUSY";
      }
      const endMs = performance.now() + workMs;
      while (performance.now() < endMs);
      commits += 1;
      isLocked = commits === CALLS - 1;
      return undefined;
    }, DRIVERS[driver]);
    await using folder = await createTempDir();
    const options = { busyTimeoutMs: 2 * workMs };
    await using streams = createStreamFactory(await openSQLiteBackend(folder.file("store.db"), options, slow));
    const stream = await streams.openStream("a");
    const writes = Array.from({ length: CALLS }, (_, index) =>
      stream.write(Array(GROUP_EVENTS / 16).fill(event(index))),
    );

    // The last one meets a lock for a moment, long after it was made.
    await expect(Promise.all(writes)).resolves.toHaveLength(CALLS);
  });
});
