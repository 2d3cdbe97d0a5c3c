import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { openFirst } from "../../../adapters/sqlite/open/open-database.js";
import { parseSQLiteOptions } from "../../../adapters/sqlite/sqlite-options.js";
import type { StoredEvent, Stream } from "../../../protocols/index.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS position FROM c";
const PLANT = "PRAGMA writable_schema = ON; PRAGMA legacy_alter_table = ON;";

/** Makes a store of three events, and then does something to it with SQLite alone, as another program would. */
async function makeStore(path: string, driver: DriverName, change: string): Promise<void> {
  {
    await using streams = await sqliteStreamFactory(path, { driver });
    await (await streams.openStream("a")).write(
      [1, 2, 3].map((data) => ({ type: "Counted", data, idempotencyKey: `k${data}` })),
    );
  }
  // The driver that protects the schema table cannot change it.
  const connection = await DRIVERS.sqlite3.open(path, "existing");
  await connection.exec(change);
  await connection.close();
}

async function readData(stream: Stream): Promise<unknown[]> {
  const events: StoredEvent[] = [];
  for await (const event of stream.read()) events.push(event);
  return events.map(({ data }) => data);
}

describe.each(DRIVER_NAMES)("over %s, a store", (driver) => {
  test.each([
    [
      "es_events",
      "a view",
      `DROP INDEX es_events_by_version; ALTER TABLE es_events RENAME TO moved; CREATE VIEW es_events AS ${ENDLESS}`,
    ],
    ["es_streams", "a view", `ALTER TABLE es_streams RENAME TO moved; CREATE VIEW es_streams AS ${ENDLESS}`],
    ["es_snapshots", "a virtual table", "DROP TABLE es_snapshots; CREATE VIRTUAL TABLE es_snapshots USING fts5(state)"],
    ["ES_TYPES", "a view", `ALTER TABLE es_types RENAME TO moved; CREATE VIEW ES_TYPES AS ${ENDLESS}`],
  ])("in which %s is %s is refused when it is opened", async (name, kind, change) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, driver, `${PLANT} ${change}`);
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(`Cannot open .*store.db: ${name} is ${kind} and not the table`),
    });
  });

  test.each([
    [
      "a trigger that never ends",
      `CREATE TRIGGER zz BEFORE INSERT ON es_events BEGIN SELECT count(*) FROM (${ENDLESS}); END`,
    ],
    [
      "a trigger of the library that was changed",
      "DROP TRIGGER es_events_are_never_changed; CREATE TRIGGER es_events_are_never_changed AFTER INSERT ON es_events BEGIN DELETE FROM es_snapshots; END",
    ],
    [
      "a trigger on the snapshots",
      "CREATE TRIGGER zz AFTER INSERT ON es_snapshots BEGIN DELETE FROM es_snapshots; END",
    ],
  ])("that has %s is read and verified, and not written", async (_, change) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, driver, change);
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    expect(await readData(stream)).toEqual([1, 2, 3]);
    expect(await streams.verify()).toMatchObject({ ok: false, problems: [{ kind: "schema" }] });
    const refusal = {
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/Cannot write to .*store\.db: .*"(zz|es_events_are_never_changed)"/),
    };
    await expect(stream.write({ type: "Counted", data: 4 })).rejects.toMatchObject(refusal);
    await expect(stream.snapshot({ count: 3 })).rejects.toMatchObject(refusal);
    expect(await readData(stream)).toEqual([1, 2, 3]);
  });

  test("is written where the application has triggers on tables of its own", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(
      path,
      driver,
      "CREATE TABLE t (x); CREATE TRIGGER t_log AFTER INSERT ON t BEGIN DELETE FROM t; END",
    );
    await using streams = await sqliteStreamFactory(path, { driver });
    await expect((await streams.openStream("a")).write({ type: "Counted", data: 4 })).resolves.toMatchObject({
      version: 4,
    });
  });

  test.each([
    ["a position", "2, stream, 9, timestamp, schema, codec, type, zeroblob(16)"],
    ["a version", "9, stream, 2, timestamp, schema, codec, type, zeroblob(16)"],
    ["a key", "9, stream, 9, timestamp, schema, codec, type, 'k2'"],
  ])(
    "keeps its events from a REPLACE by %s over a connection of the library's, and finds what another program replaced",
    async (_, columns) => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await makeStore(path, driver, "");
      const replace = `REPLACE INTO es_events SELECT ${columns}, '666', NULL, checksum FROM es_events WHERE position = 1`;
      const own = await openFirst(DRIVERS[driver], path, parseSQLiteOptions({ driver }), "existing");
      await expect(own.run(replace)).rejects.toMatchObject({
        message: expect.stringMatching(/events are append-only/),
      });
      await own.close();
      {
        await using streams = await sqliteStreamFactory(path, { driver });
        expect(await readData(await streams.openStream("a"))).toEqual([1, 2, 3]);
        expect(await streams.verify()).toMatchObject({ ok: true });
      }
      const other = await DRIVERS[driver].open(path, "existing");
      await other.run(replace);
      await other.close();
      await using streams = await sqliteStreamFactory(path, { driver });
      const { problems } = await streams.verify();
      expect(problems).toContainEqual(expect.objectContaining({ kind: "checksum" }));
    },
  );
});
