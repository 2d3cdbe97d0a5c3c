import { describe, expect, test, vi } from "vitest";
import { openSQLiteBackend, type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// A statement that found the database locked must not count as under way: the commits of those behind it would wait
// for it, while their callers were told that everything is stored.
describe.each(DRIVER_NAMES)("over %s", (driver) => {
  const openStore = (path: string, options?: SQLiteOptions) => sqliteStreamFactory(path, { ...options, driver });

  /** Takes the write lock of a store. */
  async function holdLock(path: string) {
    const connection = await DRIVERS[driver].open(path, "create");
    await connection.exec("BEGIN IMMEDIATE");
    return { release: () => connection.close() };
  }

  test("a new file may be opened many times at once", async () => {
    await using folder = await createTempDir();
    for (let round = 1; round <= 10; round += 1) {
      const path = folder.file(`new-${round}.db`);
      const opened = await Promise.all([1, 2, 3, 4].map(() => openStore(path)));
      const streams = await Promise.all(opened.map((factory) => factory.openStream("a")));
      await Promise.all(streams.map((stream, index) => stream.write({ type: "T", data: index })));

      expect(await streams[0]?.metrics()).toMatchObject({ eventCount: 4 });
      await Promise.all(opened.map((factory) => factory[Symbol.asyncDispose]()));
    }
  });

  test("a snapshot that is saved after a write gave up on a lock is there for others", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await openStore(path, { busyTimeoutMs: 20 });
    await using others = await openStore(path, { busyTimeoutMs: 20 });
    const [stream, other] = [await streams.openStream("a"), await others.openStream("a")];
    await stream.write({ type: "T", data: 1 });
    await stream.write({ type: "T", data: 2 });
    const lock = await holdLock(path);
    await expect(stream.write({ type: "T", data: 3 })).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
    await lock.release();
    await stream.snapshot("state");

    expect(await other.loadSnapshot()).toMatchObject({ version: 2, state: "state" });
    expect(await other.write({ type: "T", data: 4 })).toMatchObject({ version: 3, written: 1 });
    expect(await stream.write([])).toMatchObject({ version: 3, written: 0 });
    expect(await stream.loadSnapshot()).toMatchObject({ version: 2, state: "state" });
  });

  test("a write behind one that was aborted while it waited for a lock is there for others", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let begun = 0;
    const counting = faultyDriver(({ sql }) => {
      if (/^(BEGIN|INSERT)/.test(sql)) begun += 1;
      return undefined;
    }, DRIVERS[driver]);
    await using streams = createStreamFactory(await openSQLiteBackend(path, {}, counting));
    await using others = await openStore(path);
    const stream = await streams.openStream("a");
    await stream.write({ type: "T", data: 1 });
    const lock = await holdLock(path);
    begun = 0;
    const controller = new AbortController();
    const abandoned = stream.write({ type: "a new type", data: 2 }, { signal: controller.signal });
    await vi.waitFor(() => expect(begun).toBeGreaterThan(1));
    controller.abort(new Error("no longer wanted"));
    await expect(abandoned).rejects.toThrow("no longer wanted");
    await lock.release();
    expect(await stream.write({ type: "T", data: 3 })).toMatchObject({ version: 2, written: 1 });

    expect(await (await others.openStream("a")).metrics()).toMatchObject({ currentVersion: 2 });
    expect(await stream.write({ type: "another new type", data: 4 })).toMatchObject({ version: 3, written: 1 });
    expect(await (await others.openStream("a")).metrics()).toMatchObject({ currentVersion: 3 });
  });
});
