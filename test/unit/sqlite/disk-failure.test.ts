import { describe, expect, test, vi } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { type Fault, faultyDriver } from "../../support/faulty-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const LARGE = "x".repeat(1024 * 1024);

describe.each(DRIVER_NAMES)("after a failure of the disk, over %s,", (name) => {
  async function openFaulty(path: string, fault: Fault): Promise<StreamFactory> {
    return createStreamFactory(await openSQLiteBackend(path, { driver: name }, faultyDriver(fault, DRIVERS[name])));
  }

  test("nothing more is acknowledged until the store has been opened again, and reads go on", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let isFailing = false;
    {
      await using streams = await openFaulty(path, ({ sql }) =>
        isFailing && /INSERT INTO es_/.test(sql) ? "SQLITE_IOERR" : undefined,
      );
      const stream = await streams.openStream("a");
      await stream.write({ type: "A", data: 1 });
      isFailing = true;
      await expect(stream.write({ type: "B", data: 2 })).rejects.toMatchObject({ code: "STORAGE_IO" });
      isFailing = false;
      const refused = { code: "STORAGE_MUST_REOPEN", message: expect.stringMatching(/open the store again/) };
      await expect(stream.write({ type: "C", data: 3 })).rejects.toMatchObject(refused);
      await expect(stream.snapshot({ sum: 1 })).rejects.toMatchObject(refused);
      expect(await stream.metrics()).toMatchObject({ eventCount: 1 });
    }
    await using reopened = await sqliteStreamFactory(path, { driver: name });
    const stream = await reopened.openStream("a");
    expect(await stream.write({ type: "D", data: 4 })).toMatchObject({ version: 2, written: 1 });
  });

  test("a sync that fails while the log is checkpointed counts as one too", async () => {
    await using folder = await createTempDir();
    await using streams = await openFaulty(folder.file("store.db"), ({ sql }) =>
      sql.includes("wal_checkpoint") ? "SQLITE_IOERR" : undefined,
    );
    const stream = await streams.openStream("a");
    await vi.waitFor(
      () => expect(stream.write({ type: "A", data: LARGE })).rejects.toMatchObject({ code: "STORAGE_MUST_REOPEN" }),
      { timeout: 30_000, interval: 1 },
    );
  });

  test("of any other kind while the log is checkpointed, writes go on", async () => {
    await using folder = await createTempDir();
    let checkpoints = 0;
    await using streams = await openFaulty(folder.file("store.db"), ({ sql }) => {
      if (!sql.includes("wal_checkpoint")) return undefined;
      checkpoints += 1;
      return "SQLITE_FULL";
    });
    const stream = await streams.openStream("a");
    while (checkpoints < 2) await stream.write({ type: "A", data: LARGE });
    await expect(stream.write({ type: "B", data: null })).resolves.toMatchObject({ written: 1 });
  });
});
