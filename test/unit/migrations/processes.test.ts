import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type MigrationReport, migrate } from "../../../src/migrations/index.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const MIGRATOR = fileURLToPath(new URL("fixtures/migrator.ts", import.meta.url));
const COUNT = 12;

describe.each(DRIVER_NAMES)("migrations and other processes, over %s", (driver) => {
  test("processes that start at the same time apply each migration once", async () => {
    await using folder = await createTempDir();
    const path = folder.file("shared.db");
    const processes = Array.from(
      { length: 4 },
      () => new NodeProcess(compiledProgram(MIGRATOR), { args: [path, COUNT, driver] }),
    );
    await Promise.all(processes.map((each) => each.ready()));
    for (const each of processes) each.say("go");
    for (const each of processes) expect(await each.ended).toMatchObject({ exitCode: 0, stderr: "" });

    const reports = processes.map(({ lines }) => JSON.parse(lines[1] ?? "") as MigrationReport);
    const applied = reports.flatMap((report) => report.applied).map(Number);
    expect(applied.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, index) => index));
    await using streams = await sqliteStreamFactory(path, { driver });
    for (let index = 0; index < COUNT; index += 1) {
      expect(await streams.query(rawSQL(`SELECT x FROM made_${index}`))).toEqual([{ x: 1 }]);
    }
  });

  /** A store whose write lock another connection holds. */
  async function lockedStore(path: string) {
    const streams = await sqliteStreamFactory(path, { driver, busyTimeoutMs: 1 });
    const other = await DRIVERS[driver].open(path, "existing");
    await other.run("BEGIN IMMEDIATE");
    return { streams, other };
  }

  test("a migration waits for a lock longer than busyTimeoutMs, and calls beside it do not", async () => {
    await using folder = await createTempDir();
    const { streams, other } = await lockedStore(folder.file("store.db"));
    await using _ = streams;
    const stream = await streams.openStream("s");
    const migrating = migrate(streams, [{ id: "a", up: "CREATE TABLE a (x)" }]);
    const transacting = streams.transaction((tx) => tx.version("s"));
    await expect(transacting).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
    await other.run("ROLLBACK");
    await other.close();
    expect((await migrating).applied).toEqual(["a"]);
    expect((await stream.write({ type: "Written", data: null })).version).toBe(1);
  });

  test("the signal ends that waiting", async () => {
    await using folder = await createTempDir();
    const { streams, other } = await lockedStore(folder.file("store.db"));
    await using _ = streams;
    const controller = new AbortController();
    const list = [{ id: "a", up: "CREATE TABLE a (x)" }];
    const migrating = migrate(streams, list, { signal: controller.signal });
    await expect(streams.transaction((tx) => tx.version("s"))).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
    controller.abort(new Error("no longer wanted"));
    await expect(migrating).rejects.toThrow("no longer wanted");
    await other.close();
    expect((await migrate(streams, list)).applied).toEqual(["a"]);
  });
});

test("the signal interrupts a statement that runs, over a driver that can", async () => {
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using streams = await openStoreOver(driver, ":memory:");
  const endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
  const controller = new AbortController();
  const inScript = migrate(streams, [{ id: "a", up: `CREATE TABLE a (x); ${endless}` }], { signal: controller.signal });
  inScript.catch(() => undefined);
  await expect.poll(() => calls.some(({ sql: text }) => text.includes(endless))).toBe(true);
  controller.abort(new Error("no longer wanted"));
  await expect(inScript).rejects.toThrow("no longer wanted");
  expect(await streams.query(sql`SELECT name FROM sqlite_schema WHERE name = 'a'`)).toEqual([]);
  expect((await migrate(streams, [{ id: "a", up: "CREATE TABLE a (x)" }])).applied).toEqual(["a"]);
});
