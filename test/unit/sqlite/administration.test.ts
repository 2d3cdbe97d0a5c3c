import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const counted = (count: number): CandidateEvent[] =>
  Array.from({ length: count }, (_, data) => ({ type: "Counted", data }));

describe.each(DRIVER_NAMES)("the administration of a file, through %s", (driver) => {
  test("a removal leaves a single append as cheap as it was", async () => {
    await using folder = await createTempDir();
    const { driver: recording, calls } = recordingDriver(DRIVERS[driver]);
    await using streams = createStreamFactory(await openSQLiteBackend(folder.file("store.db"), {}, recording));
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    await streams.pruneStream("a", { before: 5 });
    await stream.write(counted(1));
    const start = calls.length;
    await stream.write(counted(1));
    expect(calls.slice(start).filter(({ mode }) => mode !== "readonly")).toHaveLength(1);
  });

  test("a store that is opened to be read only removes nothing", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using writers = await sqliteStreamFactory(path, { driver });
    await (await writers.openStream("a")).write(counted(5));
    await using readers = await sqliteStreamFactory(path, { driver, mode: "readonly" });
    const readOnly = { code: "STORAGE_READ_ONLY" };
    expect(await failureOf(readers.pruneStream("a", { before: 3, force: true }))).toMatchObject(readOnly);
    expect(await failureOf(readers.deleteStream("a"))).toMatchObject(readOnly);
    expect(await failureOf(readers.setStreamMetadata("a", {}))).toMatchObject(readOnly);
    expect(await failureOf(readers.reclaim())).toMatchObject(readOnly);
    expect(await readers.describeStream("a")).toMatchObject({ version: 5 });
  });

  test("space is given back in steps, while others write", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    for (let round = 0; round < 4; round += 1) {
      await stream.write(Array.from({ length: 2_000 }, () => ({ type: "Filled", data: "x".repeat(1_000) })));
    }
    await streams.pruneStream("a", { before: 8_000 });
    const before = (await stat(path)).size;
    const progress: number[] = [];
    const reclaiming = streams.reclaim({ onProgress: ({ freedBytes }) => progress.push(freedBytes) });
    for (let number = 0; number < 20; number += 1) await stream.write(counted(1));
    const { freedBytes } = await reclaiming;
    expect(freedBytes).toBeGreaterThan(7_000_000);
    expect(progress.length).toBeGreaterThan(6);
    expect(progress.every((bytes, index) => bytes - (progress[index - 1] ?? 0) <= 1024 * 1024)).toBe(true);
    expect(await streams.verify()).toMatchObject({ ok: true });
    await streams[Symbol.asyncDispose]();
    expect((await stat(path)).size).toBeLessThan(before / 4);
  });

  test("a file that was made without support for it names the backup", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await (await sqliteStreamFactory(path, { driver }))[Symbol.asyncDispose]();
    const connection = await DRIVERS[driver].open(path, "existing");
    await connection.exec("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL");
    await connection.close();
    await using streams = await sqliteStreamFactory(path, { driver });
    expect(await failureOf(streams.reclaim())).toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringContaining("backup()"),
    });
    await streams.backup(folder.file("copy.db"));
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    expect(await copy.reclaim()).toEqual({ freedBytes: 0 });
  });
});
