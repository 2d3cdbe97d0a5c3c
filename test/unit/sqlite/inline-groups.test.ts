import { describe, expect, test } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { sql } from "../../../index.js";
import { type Projection, runProjections } from "../../../src/projections/index.js";
import { outcomesOf } from "../../conformance/support/failure-of.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { stopClock } from "../../support/stopped-clock.js";
import { createTempDir } from "../../support/temp-dir.js";

type Counted = { type: "Counted"; data: number };

/** Counts events with one statement a batch. It fails at a negative number. */
const counts: Projection<Counted> = {
  name: "counts",
  types: ["Counted"],
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("counts")} (n INTEGER)`);
  },
  async project(events, { sql: db, table }) {
    await db.run(sql`INSERT INTO ${table("counts")} VALUES (${events.length})`);
    if (events.some(({ data }) => data < 0)) throw BELOW_ZERO;
  },
};

/** As the error of another database. */
const BELOW_ZERO = Object.assign(new Error("below zero"), { code: "SQLITE_IOERR" });

async function openProjected(driver: SQLiteDriver, path: string) {
  const streams = await openStoreOver(driver, path);
  const runner = await runProjections(streams, [counts], { mode: "inline" });
  // Until then each write asks whether readers see an earlier version.
  await expect.poll(() => runner.status()[0]?.state).toBe("live");
  const handles = await Promise.all(Array.from({ length: 64 }, (_, index) => streams.openStream(`s-${index}`)));
  const writeAll = (failing?: number) =>
    outcomesOf(handles.map((handle, n) => handle.write({ type: "Counted", data: n === failing ? -1 : n })));
  return {
    streams,
    writeAll,
    writeOne: () => handles[0]?.write({ type: "Counted", data: 1 }),
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await streams[Symbol.asyncDispose]();
    },
  };
}

// Each statement is a hop to the thread pool and back: as many as these, and no more.
test("64 writes with an inline projection take the statements of one, and a savepoint", async () => {
  using _ = stopClock();
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using store = await openProjected(driver, folder.file("store.db"));
  await store.writeAll();
  calls.length = 0;
  await store.writeAll();
  const writing = calls.filter(({ mode }) => mode !== "readonly").map(({ sql: text }) => text);
  const [begin, end] = [writing.indexOf("SAVEPOINT es_part"), writing.lastIndexOf("RELEASE es_part")];

  expect(writing.slice(begin, end + 1)).toEqual([
    "SAVEPOINT es_part",
    expect.stringContaining("INSERT INTO es_append"),
    expect.stringContaining("FROM es_records"),
    expect.stringContaining("AS head"),
    expect.stringContaining("AS head"),
    expect.stringContaining("INSERT INTO es_records"),
    expect.stringContaining('INSERT INTO "counts__1"'),
    "RELEASE es_part",
  ]);
  expect(writing.filter((text) => text.includes("INSERT INTO es_append"))).toHaveLength(1);
  expect(writing).not.toContain("ROLLBACK");
});

describe.each(DRIVER_NAMES)("a transaction that 64 writes share and that fails, over %s", (driver) => {
  test.each([
    ["COMMIT", "SQLITE_FULL", /^COMMIT$/, "STORAGE_FULL"],
    ["SAVEPOINT", "SQLITE_NOMEM", /^SAVEPOINT es_part/, "STORAGE_FAILED"],
    ["RELEASE", "SQLITE_NOMEM", /^RELEASE es_part/, "STORAGE_FAILED"],
    ["ROLLBACK TO", "SQLITE_NOMEM", /^ROLLBACK TO es_part/, "STORAGE_FAILED"],
    ["a statement of the projection", "SQLITE_FULL", /INSERT INTO "counts__1"/, "STORAGE_FULL"],
    ["the record of the projection", "SQLITE_FULL", /INSERT INTO es_records/, "STORAGE_FULL"],
  ])("at %s with %s stores none, and the next write gets the right version", async (...row) => {
    const [, code, pattern, expected] = row;
    await using folder = await createTempDir();
    let isOn = false;
    const faulty = faultyDriver(
      ({ sql: text, mode }) => (isOn && mode !== "readonly" && pattern.test(text) ? code : undefined),
      DRIVERS[driver],
    );
    await using store = await openProjected(faulty, folder.file("store.db"));
    isOn = true;
    const { values, errors } = await store.writeAll(40);
    isOn = false;

    expect(values).toEqual([]);
    for (const error of errors) expect(error).toMatchObject({ name: "StorageError", code: expected });
    expect(await store.streams.query(sql`SELECT n FROM counts`)).toEqual([]);
    expect(await store.writeOne()).toEqual({ version: 1, position: 1, written: 1 });
    expect(await store.streams.query(sql`SELECT n FROM counts`)).toEqual([{ n: 1 }]);
  });

  test("forgets what failed ones had learned of new streams and types", async () => {
    await using folder = await createTempDir();
    await using store = await openProjected(DRIVERS[driver], folder.file("store.db"));
    const { values, errors } = await store.writeAll(0);
    expect([values.length, errors]).toEqual([63, [BELOW_ZERO]]);
    expect((await store.writeAll()).values.map(({ version }) => version)).toEqual([1, ...Array(63).fill(2)]);
    expect((await store.streams.verify()).problems).toEqual([]);
  });
});
