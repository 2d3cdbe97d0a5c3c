import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { migrate } from "../../../src/migrations/index.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";

const TRIGGER = `
  CREATE TRIGGER doubles AFTER INSERT ON numbers
  BEGIN
    UPDATE numbers SET x = CASE WHEN x > 1 THEN x * 2 ELSE x END;
    INSERT INTO log VALUES (';COMMIT; -- no comment'); /* ; END; */
  END`;

describe.each(DRIVER_NAMES)("the script of a migration, over %s", (driver) => {
  const open = () => sqliteStreamFactory(":memory:", { driver });

  test("is split by the database: texts, comments and triggers may have semicolons", async () => {
    await using streams = await open();
    const up = `-- the first; of them
      CREATE TABLE numbers (x); CREATE TABLE log (line);;
      ${TRIGGER};
      INSERT INTO numbers VALUES (3) /* last; */`;
    await migrate(streams, [{ id: "a", up }]);
    expect(await streams.query(sql`SELECT x FROM numbers`)).toEqual([{ x: 6 }]);
    expect(await streams.query(sql`SELECT line FROM log`)).toEqual([{ line: ";COMMIT; -- no comment" }]);
  });

  test("may have no statement at all", async () => {
    await using streams = await open();
    expect(await migrate(streams, [{ id: "a", up: "-- nothing to do here" }])).toMatchObject({ applied: ["a"] });
  });

  test.each([
    "COMMIT",
    "end",
    "ROLLBACK",
    "BEGIN",
    "SAVEPOINT a",
    "RELEASE es_member",
    "ROLLBACK TO es_member",
    "PRAGMA user_version = 7",
    "ATTACH ':memory:' AS other",
    "DETACH other",
    "VACUUM",
    "/* ; */ COMMIT -- ;",
    "EXPLAIN PRAGMA user_version = 7",
    "EXPLAIN QUERY PLAN COMMIT",
    "\uFEFFCOMMIT",
    `${TRIGGER}; COMMIT`,
  ])("is refused with the statement %j, wherever it is, and leaves nothing", async (statement) => {
    await using streams = await open();
    const up = `CREATE TABLE numbers (x); CREATE TABLE log (line); ${statement}; CREATE TABLE after (x)`;
    const migrating = migrate(streams, [{ id: "bad", up }]);
    const message = expect.stringMatching(/migration "bad".*refused/s);
    await expect(migrating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "script", message });
    expect(await streams.query(sql`SELECT name FROM sqlite_schema WHERE name IN ('numbers', 'after')`)).toEqual([]);
    expect((await migrate(streams, [{ id: "bad", up: "CREATE TABLE numbers (x)" }])).applied).toEqual(["bad"]);
  });

  // SQLite takes what is in the parentheses as a part of the placeholder, and so the COMMIT as a statement.
  test.each([
    "SELECT $x('); COMMIT; SELECT ')",
    "SELECT :x",
    "SELECT @x",
    "SELECT ?",
    "SELECT ?1",
    "SELECT #x('); COMMIT; SELECT ')",
    "SELECT $a::b('); COMMIT; SELECT ')",
  ])("is refused with a placeholder, and leaves nothing: %j", async (statement) => {
    await using streams = await open();
    const migrating = migrate(streams, [{ id: "bad", up: `CREATE TABLE numbers (x); ${statement}` }]);
    await expect(migrating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "script" });
    expect(await streams.query(sql`SELECT name FROM sqlite_schema WHERE name = 'numbers'`)).toEqual([]);
  });

  test("is refused with a zero character, behind which drivers see nothing", async () => {
    await using streams = await open();
    const migrating = migrate(streams, [{ id: "bad", up: "CREATE TABLE a (x);\0CREATE TABLE b (x)" }]);
    await expect(migrating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "script" });
  });

  test("leaves nothing where SQLite ends the transaction by itself", async () => {
    await using streams = await open();
    const up = `
      CREATE TABLE numbers (x UNIQUE);
      INSERT INTO numbers VALUES (1);
      INSERT OR ROLLBACK INTO numbers VALUES (1);
      CREATE TABLE after (x)`;
    const migrating = migrate(streams, [{ id: "bad", up }]);
    await expect(migrating).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining('"bad"'),
    });
    expect(await streams.query(sql`SELECT name FROM sqlite_schema WHERE name IN ('numbers', 'after')`)).toEqual([]);
    expect((await migrate(streams, [{ id: "good", up: "CREATE TABLE numbers (x)" }])).applied).toEqual(["good"]);
  });

  test("may be a trigger in tx.sql too, and there it is one statement", async () => {
    await using streams = await open();
    await migrate(streams, [{ id: "a", up: "CREATE TABLE numbers (x); CREATE TABLE log (line)" }]);
    await streams.transaction(async (tx) => {
      await tx.sql.run(rawSQL(TRIGGER));
      await tx.sql.run(sql`INSERT INTO numbers VALUES (${4})`);
      expect(await tx.sql.all(sql`SELECT x FROM numbers`)).toEqual([{ x: 8 }]);
    });
    const two = streams.transaction((tx) => tx.sql.run(rawSQL(`${TRIGGER}; SELECT 1`)));
    await expect(two).rejects.toMatchObject({ message: expect.stringContaining("several statements") });
  });

  test("is seen by statements that were prepared before it", async () => {
    await using streams = await open();
    const first = { id: "a", up: "CREATE TABLE numbers (x); INSERT INTO numbers VALUES (1)" };
    await migrate(streams, [first]);
    const all = sql`SELECT * FROM numbers`;
    expect(await streams.query(all)).toEqual([{ x: 1 }]);
    expect(await streams.transaction((tx) => tx.sql.all(all))).toEqual([{ x: 1 }]);
    await migrate(streams, [first, { id: "b", up: "ALTER TABLE numbers ADD COLUMN y DEFAULT 2" }]);
    expect(await streams.query(all)).toEqual([{ x: 1, y: 2 }]);
    expect(await streams.transaction((tx) => tx.sql.all(all))).toEqual([{ x: 1, y: 2 }]);
  });
});
