import { describe, expect, test } from "vitest";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { name, rawSQL, type SQLName, type SQLStatement, type SQLValue, sql } from "../../../index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const REFUSED = { name: "InvalidArgumentError", code: "INVALID_ARGUMENT", argument: "statement" };

/** A store with a table, in a file of its own or in memory. */
async function openStore(options: SQLiteOptions, isInMemory = false) {
  const folder = await createTempDir();
  const streams = await sqliteStreamFactory(isInMemory ? ":memory:" : folder.file("store.db"), options);
  const run = (statement: SQLStatement) => streams.transaction((tx) => tx.sql.run(statement));
  await run(sql`CREATE TABLE t (a, b TEXT, c BLOB, d INTEGER)`);
  return {
    streams,
    run,
    all: (statement: SQLStatement) => streams.transaction((tx) => tx.sql.all(statement)),
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe.each(DRIVER_NAMES)("statements of the application, through %s", (driver) => {
  describe("values", () => {
    test("come back as they are, booleans as 0 and 1", async () => {
      await using store = await openStore({ driver });
      const bytes = Uint8Array.of(0, 255, 7);
      await store.run(sql`INSERT INTO t VALUES (${true}, ${"ü\u{1F600}'\""}, ${bytes}, ${false})`);
      await store.run(sql`INSERT INTO t VALUES (${0.5}, ${""}, ${new Uint8Array()}, ${null})`);

      expect(await store.all(sql`SELECT * FROM t ORDER BY rowid`)).toEqual([
        { a: 1, b: "ü\u{1F600}'\"", c: bytes, d: 0 },
        { a: 0.5, b: "", c: new Uint8Array(), d: null },
      ]);
      expect(await store.all(sql`SELECT typeof(c) AS c FROM t`)).toEqual([{ c: "blob" }, { c: "blob" }]);
    });

    test("come back in plain objects", async () => {
      await using store = await openStore({ driver });

      expect(await store.all(sql`SELECT 1 AS a, 'b' AS b`)).toStrictEqual([{ a: 1, b: "b" }]);
      expect(await store.streams.query(sql`SELECT 1 AS a, 'b' AS b`)).toStrictEqual([{ a: 1, b: "b" }]);
    });

    test("that are whole numbers are integers to SQLite, of any size", async () => {
      await using store = await openStore({ driver });
      for (const value of [5, -5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 1_764_307_432_123, Number.MAX_SAFE_INTEGER]) {
        await store.run(sql`DELETE FROM t`);
        await store.run(sql`INSERT INTO t (a, b) VALUES (${value}, ${value})`);
        const [row] = await store.all(
          sql`SELECT a, b, typeof(a) AS type, ${value} / 2 AS half FROM t WHERE a = ${value}`,
        );

        expect(row).toEqual({ a: value, b: String(value), type: "integer", half: Math.trunc(value / 2) });
        expect(await store.all(sql`SELECT count(*) AS n FROM t WHERE b = ${value}`)).toEqual([{ n: 1 }]);
      }
    });

    test("that SQL does not have are refused", async () => {
      await using store = await openStore({ driver });
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 1n, new Date(), {}, [], "\ud800"]) {
        expect(await failureOf(store.run(sql`INSERT INTO t (a) VALUES (${value as never})`))).toMatchObject(REFUSED);
      }
    });

    test("of numbered placeholders are taken by their numbers, and named ones in their order", async () => {
      await using store = await openStore({ driver });

      expect(await store.all(rawSQL("SELECT ?2 AS a, ?1 AS b, ?2 AS c, ? AS d", ["x", "y", "z"]))).toEqual([
        { a: "y", b: "x", c: "y", d: "z" },
      ]);
      expect(await store.all(rawSQL("SELECT $1 AS a, :n AS b, $1 AS c", ["x", "y"]))).toEqual([
        { a: "x", b: "y", c: "x" },
      ]);
    });

    test("are not looked for in quotes and comments", async () => {
      await using store = await openStore({ driver });
      const statement = rawSQL("SELECT '?1''?' AS a, ? AS \"b?\" -- ?\n /* ? */", ["x"]);

      expect(await store.all(statement)).toEqual([{ a: "?1'?", "b?": "x" }]);
    });

    test("are as many as the placeholders: none is left over from an earlier run", async () => {
      await using store = await openStore({ driver });
      await store.run(rawSQL("INSERT INTO t (b) VALUES (?)", ["secret"]));

      expect(await failureOf(store.run(rawSQL("INSERT INTO t (b) VALUES (?)")))).toMatchObject(REFUSED);
      expect(await failureOf(store.run(rawSQL("INSERT INTO t (b) VALUES (?)", ["x", "y"])))).toMatchObject(REFUSED);
      expect(await failureOf(store.run(rawSQL("INSERT INTO t (b) VALUES (?0)", ["x"])))).toMatchObject(REFUSED);
      expect(await failureOf(store.all(sql`SELECT ? AS a, ${1} AS b`))).toMatchObject(REFUSED);
      expect(await store.all(sql`SELECT b FROM t`)).toEqual([{ b: "secret" }]);
    });

    test("beyond 2^53 are refused where the driver can tell", async () => {
      await using store = await openStore({ driver });
      const [exact] = await store.all(sql`SELECT CAST(9007199254740993 AS TEXT) AS n`);
      expect(exact).toEqual({ n: "9007199254740993" });

      for (const [value, rounded] of [
        ["9007199254740993", 9007199254740992],
        ["-9223372036854775808", -(2 ** 63)],
      ] as const) {
        const read = store.streams.query(rawSQL(`SELECT ${value} AS n`));
        if (driver === "sqlite3") expect(await read).toEqual([{ n: rounded }]);
        else expect(await failureOf(read)).toMatchObject({ name: "StorageError", code: "STORAGE_FAILED" });
      }
    });
  });

  describe("a statement", () => {
    test.each([
      "\uFEFFCOMMIT",
      "\uFEFF\uFEFF BEGIN IMMEDIATE",
      ";;COMMIT",
      "-- SELECT\n;/* */ ROLLBACK",
      "EXPLAIN PRAGMA query_only = OFF",
      "explain query plan pragma foreign_keys = off",
      "EXPLAIN /* */ COMMIT",
      "END",
      "VACUUM INTO 'x.db'",
      "SELECT 1; COMMIT",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END; COMMIT",
      "SELECT 1\0; COMMIT",
      "-- nothing",
      ";",
    ])("that ends a transaction or changes the connection is refused: %j", async (text) => {
      await using store = await openStore({ driver });

      expect(await failureOf(store.run(rawSQL(text)))).toMatchObject(REFUSED);
      expect(await failureOf(store.streams.query(rawSQL(text)))).toMatchObject(REFUSED);
      expect(await store.run(sql`INSERT INTO t (a) VALUES (1)`)).toEqual({ changes: 1 });
    });

    test("may be a trigger with statements, CASE and END in it, and have semicolons behind it", async () => {
      await using store = await openStore({ driver });
      await store.run(sql`
        CREATE TRIGGER count_up AFTER INSERT ON t WHEN NEW.d IS NULL BEGIN
          SELECT CASE WHEN NEW.a = 'END' THEN raise(ABORT, 'no; END;') ELSE 1 END;
          UPDATE t SET d = 1 WHERE rowid = NEW.rowid;
        END; -- and no more
        ;`);
      await store.run(sql`INSERT INTO t (a) VALUES ('x');`);

      expect(await store.all(sql`SELECT a, d FROM t;;`)).toEqual([{ a: "x", d: 1 }]);
      expect(await failureOf(store.run(sql`INSERT INTO t (a) VALUES ('END')`))).toMatchObject({ name: "StorageError" });
    });

    test("on a view with triggers has changed no rows, whether it returns any or not", async () => {
      await using store = await openStore({ driver });
      await store.run(sql`CREATE VIEW v AS SELECT a, b FROM t`);
      await store.run(
        sql`CREATE TRIGGER v_to_t INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a, b) VALUES (NEW.a, NEW.b); END`,
      );

      expect(await store.run(sql`INSERT INTO v VALUES (1, 'x'), (2, 'y')`)).toEqual({ changes: 0 });
      expect(await store.run(sql`INSERT INTO v VALUES (3, 'z'), (4, 'z') RETURNING a`)).toEqual({ changes: 0 });
      expect(await store.all(sql`SELECT count(*) AS n FROM t`)).toEqual([{ n: 4 }]);
      expect(await store.run(sql`WITH z AS (SELECT 'z' AS b) DELETE FROM t WHERE b IN z RETURNING a`)).toEqual({
        changes: 2,
      });
      expect(await store.run(sql`SELECT a FROM t`)).toEqual({ changes: 0 });
    });

    test("gives each caller a result of its own", async () => {
      await using store = await openStore({ driver });

      for (const statement of [sql`CREATE TABLE IF NOT EXISTS u (a)`, sql`SELECT a FROM t`]) {
        const total: { changes: number } = await store.run(statement);
        total.changes += 3;
        expect(await store.run(statement)).toEqual({ changes: 0 });
      }
    });

    test("that rolls back the transaction itself, as OR ROLLBACK does, leaves nothing of it", async () => {
      await using store = await openStore({ driver });
      await store.run(sql`CREATE UNIQUE INDEX t_a ON t (a)`);
      await store.run(sql`INSERT INTO t (a) VALUES (1)`);
      const [neighbour, rolledBack] = await Promise.allSettled([
        store.run(sql`INSERT INTO t (a) VALUES (2)`),
        store.run(sql`INSERT OR ROLLBACK INTO t (a) VALUES (1)`),
      ]);

      // SQLite has ended the transaction that both were in.
      expect([neighbour?.status, rolledBack?.status]).toEqual(["rejected", "rejected"]);
      expect(await store.all(sql`SELECT a FROM t`)).toEqual([{ a: 1 }]);
    });

    test.each([
      ["is explained", "EXPLAIN QUERY PLAN SELECT * FROM t"],
      ["is explained behind a comment", "/* why? */ explain SELECT * FROM t"],
      ["returns several rows", "SELECT * FROM t"],
      ["returns what it inserts", "INSERT INTO t (a) VALUES (1), (2) RETURNING a"],
    ])("that %s has ended after its call: its connection sees what is new, and writes again", async (_, text) => {
      await using folder = await createTempDir();
      await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver, readPoolSize: 1 });
      await using other = await sqliteStreamFactory(folder.file("store.db"), { driver });
      await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (a)`));
      await streams.transaction((tx) => tx.sql.run(sql`INSERT INTO t VALUES (1), (2), (3)`));
      if (!text.startsWith("INSERT")) await streams.query(rawSQL(text, []));
      await streams.transaction((tx) => tx.sql.all(rawSQL(text, [])));
      await streams.transaction((tx) => tx.sql.run(rawSQL(text, [])));

      for (let written = 1; written <= 3; written += 1) {
        await other.transaction((tx) => tx.write("s", { type: "A", data: null }));
        expect((await streams.describeStream("s"))?.version).toBe(2 * written - 1);
        await streams.transaction((tx) => tx.write("s", { type: "A", data: null }));
        expect((await streams.describeStream("s"))?.version).toBe(2 * written);
      }
    });

    test("of one template is another one where its names are others, or in other places", async () => {
      await using store = await openStore({ driver });
      await store.run(sql`INSERT INTO t (a, b) VALUES (${1}, ${"x"})`);
      const read = (one: SQLValue | SQLName, other: SQLValue | SQLName) =>
        store.all(sql`SELECT ${one} AS one, ${other} AS other FROM t`);

      expect(await read("a", "b")).toEqual([{ one: "a", other: "b" }]);
      expect(await read(name("a"), "b")).toEqual([{ one: 1, other: "b" }]);
      expect(await read("b", name("a"))).toEqual([{ one: "b", other: 1 }]);
      expect(await read(name("b"), "a")).toEqual([{ one: "x", other: "a" }]);
      expect(await read(name("b"), name("a"))).toEqual([{ one: "x", other: 1 }]);
      expect(await read("a", "b")).toEqual([{ one: "a", other: "b" }]);
    });

    test("is read anew where its text is a list that changes", async () => {
      await using store = await openStore({ driver });
      const strings = ["SELECT ", " AS a"];
      expect(await store.all({ strings, values: [1] })).toEqual([{ a: 1 }]);
      strings[1] = " AS b";
      expect(await store.all({ strings, values: [1] })).toEqual([{ b: 1 }]);
      strings[0] = "COMMIT; SELECT ";
      expect(await failureOf(store.all({ strings, values: [1] }))).toMatchObject(REFUSED);
    });

    test("quotes each name", async () => {
      await using store = await openStore({ driver });
      const odd = name('a"; DROP TABLE t; --');
      await store.run(sql`CREATE TABLE ${odd} (${name("[x]")} TEXT)`);
      await store.run(sql`INSERT INTO ${odd} VALUES (${"y"})`);

      expect(await store.all(sql`SELECT ${name("[x]")} AS v FROM ${odd} WHERE ${name("[x]")} = ${"y"}`)).toEqual([
        { v: "y" },
      ]);
      for (const text of ["", "a\0b", "\ud800"]) {
        expect(await failureOf(store.run(sql`SELECT ${name(text)}`))).toMatchObject(REFUSED);
      }
    });
  });

  describe.each([
    ["in a file", false],
    ["in memory", true],
  ])("a query over a store %s", (_, isInMemory) => {
    test.each([
      "INSERT INTO t (a) VALUES (1)",
      "INSERT INTO t (a) VALUES (1) RETURNING a",
      "WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)",
      "REPLACE INTO t (a) VALUES (1)",
      "UPDATE t SET a = 2",
      "CREATE TABLE u (a)",
      "CREATE TEMP TABLE u (a)",
      "CREATE TEMP VIEW v AS SELECT 1",
      "CREATE INDEX i ON t (a)",
      "ALTER TABLE t ADD COLUMN z",
      "DROP TABLE t",
      "REINDEX",
      "ANALYZE",
      "DELETE FROM es_events",
    ])("changes nothing: %s", async (text) => {
      await using store = await openStore({ driver }, isInMemory);
      await store.run(sql`INSERT INTO t (a) VALUES (1)`);

      expect(await failureOf(store.streams.query(rawSQL(text)))).toMatchObject({ code: "STORAGE_READ_ONLY" });
      expect(await store.streams.query(sql`SELECT a FROM t`)).toEqual([{ a: 1 }]);
      expect(await store.run(sql`INSERT INTO t (a) VALUES (2)`)).toEqual({ changes: 1 });
    });
  });
});
