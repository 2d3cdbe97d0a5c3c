import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent } from "../../../protocols/index.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// verify() tells what was removed on purpose from what was lost.

const counted = (count: number): CandidateEvent[] =>
  Array.from({ length: count }, (_, data) => ({ type: "Counted", data }));

async function tamper(driver: DriverName, path: string, sql: string): Promise<void> {
  const connection = await DRIVERS[driver].open(path, "existing");
  await connection.exec(sql).finally(() => connection.close());
}

/** A store of two streams of 10 events, of which one is pruned up to version 5. */
async function makePruned(driver: DriverName) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  {
    await using streams = await sqliteStreamFactory(path, { driver });
    for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(10));
    await streams.pruneStream("a", { before: 5 });
  }
  return {
    path,
    async verify() {
      await using streams = await sqliteStreamFactory(path, { driver });
      return await streams.verify();
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const NO_TRIGGER = "DROP TRIGGER es_events_are_never_deleted";

describe.each(DRIVER_NAMES)("verify after removals, through %s", (driver) => {
  test("names the stream and the version of an event that is lost", async () => {
    await using store = await makePruned(driver);
    await tamper(driver, store.path, `${NO_TRIGGER}; DELETE FROM es_events WHERE stream = 1 AND version = 7`);
    const { problems } = await store.verify();
    expect(problems).toContainEqual(expect.objectContaining({ kind: "gap", streamId: "a", version: 7 }));
    expect(problems).toContainEqual(expect.objectContaining({ kind: "head" }));
  });

  test("notices the loss of a stream's last event", async () => {
    await using store = await makePruned(driver);
    await tamper(driver, store.path, `${NO_TRIGGER}; DELETE FROM es_events WHERE stream = 1 AND version = 10`);
    const { problems } = await store.verify();
    expect(problems).toContainEqual(expect.objectContaining({ kind: "head" }));
  });

  test("names a stream whose first version was raised without removing anything", async () => {
    await using store = await makePruned(driver);
    await tamper(driver, store.path, "UPDATE es_streams SET first = 3 WHERE name = 'b'");
    const { problems } = await store.verify();
    expect(problems).toContainEqual(expect.objectContaining({ kind: "gap", streamId: "b", version: 1 }));
  });

  test("comes to its end although a damaged id or the counter of positions is enormous", async () => {
    await using store = await makePruned(driver);
    const enormous = 2 ** 52;
    await tamper(driver, store.path, `INSERT INTO es_streams (id, name) VALUES (${enormous}, 'damaged')`);
    expect(await store.verify()).toMatchObject({ checkedEvents: 16 });
    await tamper(driver, store.path, `UPDATE sqlite_sequence SET seq = ${enormous} WHERE name = 'es_events'`);
    const { problems } = await store.verify();
    expect(problems).toContainEqual(expect.objectContaining({ kind: "head" }));
    await using streams = await sqliteStreamFactory(store.path, { driver });
    await expect(streams.backup(`${store.path}.copy`)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  });

  test.each([
    ["an event that is not declared gone", "DELETE FROM es_events WHERE stream = 1 AND version = 5"],
    ["a first version that goes back", "UPDATE es_streams SET first = 4 WHERE name = 'a'"],
    ["a first version behind the last event", "UPDATE es_streams SET first = 11 WHERE name = 'a'"],
  ])("triggers refuse %s", async (_, sql) => {
    await using store = await makePruned(driver);
    await expect(tamper(driver, store.path, sql)).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    expect(await store.verify()).toMatchObject({ ok: true });
  });
});
