import { describe, expect, test } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { name, rawSQL, sql } from "../../../index.js";
import { migrate } from "../../../src/migrations/index.js";
import { collect } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";

const RESERVED = "names that begin with es_ are the library's";
const COUNTER = "the store's counter of positions is in it";

/** Statements that would change what the library made or stored, or take its names. */
const REFUSED: readonly (readonly [statement: string, reason: string])[] = [
  ["DROP TABLE es_events", `creating, changing or dropping "es_events" is refused: ${RESERVED}`],
  ...[
    "drop table if exists ES_EVENTS",
    'DROP TABLE "es_events"',
    "DROP TABLE [es_events]",
    "DROP TABLE `Es_events`",
    "DROP TABLE 'es_events'",
    'DROP /* the */ TABLE main . -- x\n "es_events"',
    "EXPLAIN DROP TABLE es_events",
    "DROP TRIGGER es_events_are_never_deleted",
    "DROP TRIGGER IF EXISTS main.es_events_are_never_changed",
    "DROP INDEX es_events_by_version",
    "DROP VIEW es_append",
    "ALTER TABLE es_events RENAME TO gone",
    "ALTER TABLE main.[es_events] DROP COLUMN checksum",
    "ALTER TABLE es_streams RENAME COLUMN first TO last",
    "ALTER TABLE es_types ADD COLUMN mine",
    "ALTER TABLE mine RENAME TO es_mine",
    "ALTER TABLE main.mine RENAME TO 'ES_mine'",
    "CREATE TABLE es_mine (x)",
    "CREATE TABLE IF NOT EXISTS temp.es_events (x)",
    "CREATE TEMP TABLE es_events AS SELECT 1 AS x",
    'CREATE TEMPORARY VIEW "es_events" AS SELECT 1 AS x',
    "CREATE VIEW es_mine (x) AS SELECT 1",
    "CREATE VIRTUAL TABLE es_mine USING fts5(x)",
    "CREATE VIRTUAL TABLE es USING fts5(x)",
    "CREATE UNIQUE INDEX es_by_x ON mine (x)",
    "CREATE INDEX by_data ON es_events (data)",
    "CREATE INDEX main.by_data ON [es_events] (data)",
    "CREATE TRIGGER es_log AFTER INSERT ON mine BEGIN SELECT 1; END",
    "CREATE TRIGGER log AFTER INSERT ON es_events BEGIN DELETE FROM mine; END",
    "CREATE TRIGGER log BEFORE UPDATE OF x, y ON 'es_streams' WHEN 1 BEGIN SELECT 1; END",
    "CREATE TEMP TRIGGER log INSTEAD OF INSERT ON main.es_events BEGIN SELECT 1; END",
  ].map((statement): [string, string] => [statement, RESERVED]),
  ...[
    "DELETE FROM sqlite_sequence",
    "DELETE FROM main.SQLite_Sequence WHERE name = 'es_events'",
    "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    'UPDATE OR REPLACE main."sqlite_sequence" SET seq = 0',
    "INSERT INTO sqlite_sequence VALUES ('es_events', 7)",
    "REPLACE INTO [sqlite_sequence] VALUES ('es_events', 7)",
    "WITH n AS (SELECT 1) UPDATE sqlite_sequence SET seq = (SELECT * FROM n)",
    "CREATE TRIGGER log AFTER INSERT ON mine BEGIN SELECT 1; DELETE FROM sqlite_sequence; END",
  ].map((statement): [string, string] => [statement, COUNTER]),
  ...[
    "DELETE FROM es_streams",
    "UPDATE es_streams SET name = 'b'",
    "UPDATE OR REPLACE main.[ES_Streams] SET first = 2",
    "INSERT INTO \"es_types\" (name) VALUES ('b')",
    "INSERT OR IGNORE INTO 'es_keys' VALUES (1, 'k', 1, 1)",
    "INSERT INTO es_events SELECT * FROM es_events",
    "REPLACE INTO main . es_events SELECT * FROM es_events",
    "UPDATE es_events SET version = 'x'",
    "UPDATE OR REPLACE main.[es_events] SET position = 1",
    "UPDATE es_events SET data = '1' WHERE false",
    "WITH n AS (SELECT 1) DELETE FROM es_events",
    "CREATE TRIGGER log AFTER INSERT ON mine BEGIN SELECT 1; DELETE FROM es_events; END",
    "UPDATE es_counters SET value = 0",
    "WITH n AS (SELECT 1) DELETE FROM es_records WHERE 1 IN n",
    "CREATE TRIGGER log AFTER INSERT ON mine BEGIN SELECT 1; UPDATE es_snapshots SET version = 9; END",
    "EXPLAIN DELETE FROM es_snapshots",
  ].map((statement): [string, string] => [statement, RESERVED]),
];

/** What SQLite refuses itself. */
const REFUSED_BY_SQLITE = [
  "DELETE FROM sqlite_schema",
  "UPDATE sqlite_master SET sql = ''",
  "INSERT INTO sqlite_schema (type) VALUES ('table')",
  "DROP TABLE sqlite_sequence",
  "SELECT * FROM pragma_writable_schema(1)",
];

/** Statements that have such names and change nothing of the library's. */
const ALLOWED = [
  "SELECT 'DROP TABLE es_events' AS x",
  "SELECT x AS es_x FROM mine -- DROP TABLE es_events",
  "/* DROP TABLE es_events; */ SELECT count(*) FROM es_events",
  "SELECT * FROM sqlite_sequence WHERE name = 'es_events'",
  "INSERT INTO mine (x) SELECT seq FROM main.sqlite_sequence",
  "INSERT INTO mine (x) VALUES ('; DROP TABLE es_events')",
  "UPDATE mine SET x = 'sqlite_sequence'",
  "DELETE FROM mine WHERE x IN (SELECT seq FROM sqlite_sequence)",
  "DELETE FROM mine WHERE x IN (SELECT name FROM es_streams)",
  "INSERT INTO mine (x) SELECT 'UPDATE ' || name FROM es_streams",
  "INSERT INTO mine (x) VALUES (1) ON CONFLICT DO UPDATE SET x = (SELECT max(version) FROM es_events)",
  "UPDATE mine AS es_mine SET x = es_mine.x",
  "CREATE TABLE other (es_x TEXT, \"es_y\" TEXT DEFAULT 'es_z', CHECK (es_x <> 'DROP TABLE es_events'))",
  "CREATE TABLE other AS SELECT position AS es_position FROM es_events",
  "CREATE TABLE es (x)",
  "CREATE TABLE essays (x)",
  "CREATE TABLE temp (es_x)",
  "CREATE TABLE other (x INTEGER PRIMARY KEY AUTOINCREMENT)",
  "CREATE VIEW other AS SELECT e.data FROM es_events AS e JOIN es_streams ON es_streams.id = e.stream",
  "CREATE INDEX other ON mine (x) WHERE x <> 'es_events'",
  "CREATE TRIGGER other AFTER INSERT ON mine BEGIN INSERT INTO log SELECT max(position) FROM es_events; END",
  "ALTER TABLE mine ADD COLUMN es_x TEXT",
  "ALTER TABLE mine RENAME COLUMN x TO es_x",
  "ALTER TABLE mine RENAME x TO es_x",
  "ALTER TABLE mine RENAME TO essays",
  "DROP TABLE mine",
];

async function openStore(driver: DriverName) {
  const streams = await sqliteStreamFactory(":memory:", { driver });
  await (await streams.openStream("a")).write({ type: "Added", data: 1, idempotencyKey: "k" });
  await streams.transaction(async ({ sql: tables }) => {
    await tables.run(sql`CREATE TABLE mine (x)`);
    await tables.run(sql`CREATE TABLE log (x)`);
  });
  return streams;
}

/** Everything that a statement could have changed. */
async function contentsOf(streams: SQLiteStreamFactory) {
  return {
    objects: await streams.query(sql`SELECT name, tbl_name, sql FROM sqlite_schema ORDER BY name`),
    counters: await streams.query(sql`SELECT name, seq FROM sqlite_sequence ORDER BY name`),
    rows: await streams.query(sql`SELECT x FROM mine`),
    streams: await streams.query(sql`SELECT name, first FROM es_streams`),
    events: await collect((await streams.openStream("a")).read()),
  };
}

describe.each(DRIVER_NAMES)("statements of the application, over %s,", (driver) => {
  test.each(REFUSED)("do not change what the library made: %s", async (text, reason) => {
    await using streams = await openStore(driver);
    const before = await contentsOf(streams);
    const refused = (argument: string) => ({
      code: "INVALID_ARGUMENT",
      argument,
      message: expect.stringContaining(reason),
    });

    const writing = streams.transaction(async (tx) => {
      await tx.write("a", { type: "Added", data: 2 });
      await tx.sql.run(rawSQL(text));
    });
    expect(await failureOf(writing)).toMatchObject(refused("statement"));
    expect(await failureOf(streams.transaction((tx) => tx.sql.all(rawSQL(text))))).toMatchObject(refused("statement"));
    // A query changes no rows of any table, and may explain how it would.
    const querying = streams.query(rawSQL(text)).then(
      () => "explained",
      (error: { readonly code: string }) => error.code,
    );
    const refusals = text.startsWith("EXPLAIN DELETE") ? ["explained"] : ["INVALID_ARGUMENT", "STORAGE_READ_ONLY"];
    expect(refusals).toContain(await querying);
    const up = `INSERT INTO mine VALUES (1); ${text}; INSERT INTO mine VALUES (2)`;
    expect(await failureOf(migrate(streams, [{ id: "m", up }]))).toMatchObject(refused("script"));

    expect(await contentsOf(streams)).toEqual(before);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
    expect(await (await streams.openStream("a")).write({ type: "Added", data: 2 })).toMatchObject({ position: 2 });
  });

  test("do not take the library's names as bound names either", async () => {
    await using streams = await openStore(driver);
    const dropping = streams.transaction((tx) => tx.sql.run(sql`DROP TABLE ${name("es_events")}`));
    expect(await failureOf(dropping)).toMatchObject({ code: "INVALID_ARGUMENT", argument: "statement" });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
  });

  test.each(REFUSED_BY_SQLITE)("do not get past SQLite's own rules: %s", async (text) => {
    await using streams = await openStore(driver);
    const before = await contentsOf(streams);
    const running = streams.transaction((tx) => tx.sql.run(rawSQL(text)));
    expect(await failureOf(running)).toMatchObject({ code: "STORAGE_FAILED" });
    expect(await contentsOf(streams)).toEqual(before);
  });

  test.each(ALLOWED)("may have the library's names in them: %s", async (text) => {
    await using streams = await openStore(driver);
    await streams.transaction((tx) => tx.sql.all(rawSQL(text)));
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });

    await using other = await openStore(driver);
    expect(await migrate(other, [{ id: "m", up: text }])).toMatchObject({ applied: ["m"] });
    expect(await other.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
  });
});
