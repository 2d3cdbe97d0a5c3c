import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { migrate } from "../../../src/migrations/index.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import { collect } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** Statements that would change what the library made, or take its names. Its tables are in the schema "store". */
const REFUSED = [
  "DROP TABLE store.es_events CASCADE",
  'drop table if exists "store" . "es_events" CASCADE',
  "DROP TABLE mine, /* and */ store.es_events CASCADE",
  String.raw`DROP TABLE store.U&"es\005Fevents" CASCADE`,
  String.raw`ALTER TABLE U&"store".u&"es!+00005fevents" UESCAPE '!' DISABLE TRIGGER ALL`,
  "DROP TRIGGER es_events_are_never_deleted ON store.es_events",
  "DROP TRIGGER mine ON store.es_events",
  "DROP INDEX CONCURRENTLY IF EXISTS store.es_events_by_key",
  "DROP FUNCTION store.es_refuse_deletion() CASCADE",
  "ALTER TABLE store.es_events DISABLE TRIGGER ALL",
  "ALTER TABLE IF EXISTS ONLY store.ES_EVENTS RENAME TO gone",
  "ALTER TABLE mine RENAME TO es_mine",
  "ALTER TRIGGER es_events_are_never_changed ON store.es_events RENAME TO gone",
  "CREATE TABLE es_mine (x int)",
  "CREATE UNLOGGED TABLE IF NOT EXISTS store.es_mine (x int)",
  "CREATE TEMP TABLE es_events (x int)",
  "CREATE OR REPLACE VIEW store.es_mine AS SELECT 1 AS x",
  "CREATE INDEX ON store.es_events (timestamp)",
  "CREATE UNIQUE INDEX by_x ON ONLY store.es_events (timestamp)",
  "CREATE OR REPLACE FUNCTION store.es_refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
  "CREATE TRIGGER log AFTER INSERT ON store.es_events FOR EACH ROW EXECUTE FUNCTION log()",
  "CREATE RULE log AS ON INSERT TO store.es_events DO INSTEAD NOTHING",
  "CREATE POLICY log ON store.es_events USING (false)",
];

/** Statements that have such names and change nothing of the library's. */
const ALLOWED = [
  "SELECT 'DROP TABLE es_events' AS x, $$ DROP TABLE es_events; $$ AS es_x -- DROP TABLE es_events",
  "INSERT INTO mine (x) SELECT count(*) FROM store.es_events /* DROP TABLE es_events */",
  "CREATE TABLE other (es_x int, \"es_y\" text DEFAULT 'es_z')",
  "CREATE TABLE other AS SELECT position AS es_position FROM store.es_events",
  "CREATE TABLE es (x int)",
  String.raw`CREATE TABLE U&"\0065ssays\\" (U&"es\005fx" int, "U&""es_y" int)`,
  "CREATE VIEW other AS SELECT e.version FROM store.es_events AS e JOIN store.es_streams ON es_streams.id = e.stream",
  "CREATE FUNCTION other() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM store.es_events; END",
  "CREATE INDEX other ON mine (x)",
  "ALTER TABLE mine ADD COLUMN es_x int",
  "ALTER TABLE mine RENAME COLUMN x TO es_x",
  "ALTER TABLE mine RENAME TO essays",
  "DROP TABLE mine",
  "DELETE FROM mine USING store.es_streams WHERE x = es_streams.id",
  "UPDATE mine SET x = es_streams.id FROM store.es_streams",
  "INSERT INTO mine SELECT 1 FROM store.es_streams FOR UPDATE OF es_streams",
];

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  const openStore = async () => {
    const schemas = ownSchemas();
    const streams = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
    await (await streams.openStream("a")).write({ type: "Added", data: 1, idempotencyKey: "k" });
    await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE mine (x int)`));
    return {
      streams,
      inStore: (text: string) =>
        text.replaceAll(/\bstore\b|(?<=0073)tore\b/g, (found) => schemas.schema.slice(5 - found.length)),
    };
  };

  test("statements of the application do not change what the library made", async () => {
    const { streams, inStore } = await openStore();
    await using _ = streams;
    for (const text of REFUSED.map(inStore)) {
      const refused = (argument: string) => ({
        code: "INVALID_ARGUMENT",
        argument,
        message: expect.stringContaining("is refused: names that begin with es_ are the library's"),
      });
      const writing = streams.transaction(async (tx) => {
        await tx.write("a", { type: "Added", data: 2 });
        await tx.sql.run(rawSQL(text));
      });
      expect(await failureOf(writing), text).toMatchObject(refused("statement"));
      expect(await failureOf(streams.query(rawSQL(text))), text).toMatchObject(refused("statement"));
      const up = `INSERT INTO mine VALUES (1); ${text}; INSERT INTO mine VALUES (2)`;
      expect(await failureOf(migrate(streams, [{ id: "m", up }])), text).toMatchObject(refused("script"));
    }

    expect(await streams.query(sql`SELECT x FROM mine`)).toEqual([]);
    expect(await collect((await streams.openStream("a")).read())).toMatchObject([{ data: 1 }]);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
    expect(await (await streams.openStream("a")).write({ type: "Added", data: 2 })).toMatchObject({ version: 2 });
  });

  test("statements of the application do not write to the library's tables", async () => {
    const { streams, inStore } = await openStore();
    await using _ = streams;
    for (const text of [
      "UPDATE store.es_streams SET first = 2",
      "DELETE FROM ONLY store.es_streams -- all of them",
      "DELETE FROM store./* all */es_streams",
      "DELETE FROM store. -- all\nes_streams",
      'DELETE FROM store.U&"es_streams"',
      String.raw`DELETE FROM U&"\0073tore".es_streams`,
      `INSERT INTO U&"!0073tore" UESCAPE '!' . U&"es!005frecords" uescape '!' SELECT * FROM store.es_records`,
      'INSERT INTO "store" . "es_records" SELECT * FROM store.es_records',
      "INSERT INTO store.es_events SELECT * FROM store.es_events",
      "UPDATE ONLY store.es_events SET version = 9",
      "DELETE FROM store.es_events WHERE false",
      "WITH n AS (SELECT 1) DELETE FROM store.es_snapshots WHERE 1 IN (SELECT * FROM n)",
      "MERGE INTO store.es_keys USING mine ON false WHEN NOT MATCHED THEN DO NOTHING",
      "TRUNCATE mine, store.es_snapshots",
    ].map(inStore)) {
      const refused = (argument: string) => ({
        code: "INVALID_ARGUMENT",
        argument,
        message: expect.stringMatching(/writing to es_\w+ is refused: names that begin with es_ are the library's/),
      });
      const writing = streams.transaction((tx) => tx.sql.run(rawSQL(text)));
      expect(await failureOf(writing), text).toMatchObject(refused("statement"));
      const up = `INSERT INTO mine VALUES (1); ${text}`;
      expect(await failureOf(migrate(streams, [{ id: "m", up }])), text).toMatchObject(refused("script"));
    }
    expect(await streams.query(sql`SELECT x FROM mine`)).toEqual([]);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
  });

  test("statements of the application do not drop or change the schema of the store, and may drop others", async () => {
    const { streams, inStore } = await openStore();
    await using _ = streams;
    for (const text of [
      "DROP SCHEMA store CASCADE",
      'drop schema if exists mine_alone, /* and */ "store" cascade',
      "ALTER SCHEMA STORE RENAME TO gone",
      String.raw`DROP SCHEMA U&"\0073tore" CASCADE`,
      "DROP OWNED BY CURRENT_USER",
    ]) {
      const statement = inStore(text).replace("STORE", inStore("store").toUpperCase());
      const running = streams.transaction((tx) => tx.sql.run(rawSQL(statement)));
      expect(await failureOf(running), text).toMatchObject({ code: "INVALID_ARGUMENT", argument: "statement" });
      const up = `INSERT INTO mine VALUES (1); ${statement}; INSERT INTO mine VALUES (2)`;
      const migrating = migrate(streams, [{ id: "m", up }]);
      expect(await failureOf(migrating), text).toMatchObject({ code: "INVALID_ARGUMENT", argument: "script" });
    }
    const schema = `${inStore("store")}_mine`;
    // A role may have the name of the library's schema.
    const role = inStore("store");
    await (await server()).query(`CREATE ROLE ${role}`);
    const up = `CREATE SCHEMA ${schema}; ALTER SCHEMA ${schema} RENAME TO ${schema}_2; ALTER SCHEMA ${schema}_2 OWNER TO ${role};
      DROP SCHEMA ${schema}_2 CASCADE`;
    expect(await migrate(streams, [{ id: "m", up }])).toMatchObject({ applied: ["m"] });

    expect(await streams.query(sql`SELECT x FROM mine`)).toEqual([]);
    expect(await collect((await streams.openStream("a")).read())).toMatchObject([{ data: 1 }]);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
  });

  test("statements of the application may have the library's names in them", async () => {
    const { streams, inStore } = await openStore();
    await using _ = streams;
    const undone = new Error("undone");
    for (const text of ALLOWED.map(inStore)) {
      const running = streams.transaction(async (tx) => {
        await tx.sql.run(rawSQL(text));
        throw undone;
      });
      expect(await failureOf(running), text).toBe(undone);
    }
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
