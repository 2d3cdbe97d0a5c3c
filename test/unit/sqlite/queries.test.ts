import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { openStoreOver } from "../../support/open-store.js";
import { createTempDir } from "../../support/temp-dir.js";

/** Takes longer than a test may. */
const ENDLESS = sql`WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) AS n FROM c`;
const REASON = new Error("changed my mind");

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ["in a file", false],
  ["in memory", true],
])("a query over sqlite3 and a store %s", (_, isInMemory) => {
  // At its beginning the statement is still compiled or waits for a thread, and nothing can be interrupted yet.
  test.each([0, 1, 2, 3, 5, 10, 50])("ends with the reason of its signal, aborted after %i turns", async (count) => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(isInMemory ? ":memory:" : folder.file("store.db"), {
      driver: "sqlite3",
      readPoolSize: 1,
    });
    const stream = await streams.openStream("a");
    const controller = new AbortController();
    const query = streams.query(ENDLESS, { signal: controller.signal });
    await turns(count);
    controller.abort(REASON);

    expect(await failureOf(query)).toBe(REASON);
    // What comes next on the connection is not interrupted.
    expect(await streams.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
    await stream.write({ type: "A", data: null });
    expect(await streams.transaction((tx) => tx.version("a"))).toBe(1);
  });
});

test("a query that is aborted before its statement runs interrupts no later one", async () => {
  const controller = new AbortController();
  const aborting = faultyDriver(({ sql: text }) => {
    if (text.includes("RECURSIVE")) controller.abort(REASON);
    return undefined;
  });
  await using streams = await openStoreOver(aborting, ":memory:");

  expect(await failureOf(streams.query(ENDLESS, { signal: controller.signal }))).toBe(REASON);
  expect(await streams.transaction((tx) => tx.write("a", { type: "A", data: null }))).toMatchObject({ version: 1 });
});

test("a query in mode readonly reads tables, and changes none", async () => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await using writing = await sqliteStreamFactory(path);
  await writing.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (a)`));
  await using reading = await sqliteStreamFactory(path, { mode: "readonly" });

  expect(await reading.query(sql`SELECT count(*) AS n FROM t`)).toEqual([{ n: 0 }]);
  expect(await failureOf(reading.query(sql`DELETE FROM t`))).toMatchObject({ code: "STORAGE_READ_ONLY" });
  expect(await failureOf(reading.transaction(async () => 1))).toMatchObject({ code: "STORAGE_READ_ONLY" });
  expect(await failureOf(reading.writeAll([{ streamId: "a", events: { type: "A", data: null } }]))).toMatchObject({
    code: "STORAGE_READ_ONLY",
  });
});
