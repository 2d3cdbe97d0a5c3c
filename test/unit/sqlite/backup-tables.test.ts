import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { migrate } from "../../../adapters/sqlite/open/migrate.js";
import { sql } from "../../../index.js";
import { type Projection, runProjections, whenProcessed } from "../../../projections.js";
import type { BackupOptions, BackupReport } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

type Row = Record<string, unknown>;

async function withConnection<T>(
  driver: DriverName,
  path: string,
  task: (connection: SQLiteConnection) => Promise<T>,
): Promise<T> {
  const connection = await DRIVERS[driver].open(path, "existing");
  try {
    return await task(connection);
  } finally {
    await connection.close();
  }
}

/** Makes a store of a few events with tables of an application, and copies it. */
async function backUp(driver: DriverName, schema: string, options?: BackupOptions) {
  const folder = await createTempDir();
  const [path, target] = [folder.file("store.db"), folder.file("copy.db")];
  {
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    await stream.write([1, 2, 3].map((data) => ({ type: "Counted", data })));
    await stream.snapshot({ count: 3 });
  }
  await withConnection(driver, path, (connection) => connection.exec(schema));
  await using streams = await sqliteStreamFactory(path, { driver });
  const failure = await streams.backup(target, options).then(
    (report: BackupReport) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  );
  return {
    ...failure,
    folder,
    /** What a query gives in the store and in the copy. */
    both: async (sql: string): Promise<[Row[], Row[]]> => [
      await withConnection(driver, path, (connection) => connection.all<Row>(sql)),
      await withConnection(driver, target, (connection) => connection.all<Row>(sql)),
    ],
    openCopy: () => sqliteStreamFactory(target, { driver }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** What a copy must have, told by what makes it and the queries whose answers must be the same. */
const KINDS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "rowids, those of deleted rows left out",
    "CREATE TABLE t (x); INSERT INTO t (rowid, x) VALUES (5, 'a'), (-3, 'b'), (9223372036854775807, 'c')",
    ["SELECT CAST(rowid AS TEXT) AS r, x FROM t"],
  ],
  [
    "rowids of a table with columns called rowid and oid, and none where the third name is taken too",
    `CREATE TABLE t (rowid, oid); INSERT INTO t (_rowid_, rowid, oid) VALUES (7, 1, 2);
     CREATE TABLE u (rowid, oid, _rowid_); INSERT INTO u VALUES (1, 2, 3)`,
    ["SELECT _rowid_, rowid, oid FROM t", "SELECT * FROM u"],
  ],
  [
    "AUTOINCREMENT counters",
    `CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO t (x) VALUES (1), (2), (3);
     DELETE FROM t WHERE id = 3`,
    ["SELECT * FROM t", "SELECT name, seq FROM sqlite_sequence ORDER BY name"],
  ],
  [
    "STRICT and WITHOUT ROWID tables, generated columns and values of every type",
    `CREATE TABLE t (k TEXT, n INTEGER, twice REAL AS (n * 2.0) STORED, thrice REAL AS (n * 3.0), PRIMARY KEY (k, n)) STRICT, WITHOUT ROWID;
     INSERT INTO t VALUES ('a', 9223372036854775807 / 3), ('b', 2);
     CREATE TABLE u (v, d DATETIME, b BOOLEAN);
     INSERT INTO u VALUES (9007199254740993, '2020', 1), (1e308 * 10, x'00ff', 'no'), (char(0) || 'x', NULL, 0.1), (x'', 'ü', 1.0)`,
    [
      "SELECT k, CAST(n AS TEXT) AS n, twice, thrice FROM t",
      "SELECT quote(v) AS v, typeof(v) AS t, quote(d) AS d, quote(b) AS b FROM u",
    ],
  ],
  [
    "names with quotes, spaces and other scripts, and names that are keywords",
    `CREATE TABLE "a ""b"" [c] 'd'" ("x ""y""", "select"); INSERT INTO "a ""b"" [c] 'd'" VALUES (1, 2);
     CREATE TABLE "table" ("order"); INSERT INTO "table" VALUES (3); CREATE INDEX "index" ON "table" ("order");
     CREATE TABLE [données 表] (Ü); INSERT INTO [données 表] VALUES (4)`,
    [
      `SELECT * FROM "a ""b"" [c] 'd'"`,
      `SELECT * FROM "table" INDEXED BY "index" WHERE "order" > 1`,
      'SELECT * FROM "données 表"',
    ],
  ],
  [
    "indexes, views, and triggers that would have changed rows while they were copied",
    `CREATE TABLE t (x UNIQUE, y); CREATE TABLE log (x);
     CREATE UNIQUE INDEX t_y ON t (y COLLATE NOCASE) WHERE y IS NOT NULL; CREATE INDEX t_lower ON t (lower(y), x DESC);
     CREATE VIEW v AS SELECT t.x, count(*) AS n FROM t, es_events GROUP BY 1;
     CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;
     CREATE TRIGGER t_no BEFORE INSERT ON log BEGIN SELECT raise(ABORT, 'no') WHERE new.x = 99; END;
     CREATE TRIGGER v_in INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.x, 'v'); END;
     INSERT INTO t VALUES (1, 'a'), (2, 'b'); DROP TRIGGER t_no; INSERT INTO log VALUES (99);
     CREATE TRIGGER t_no BEFORE INSERT ON log BEGIN SELECT raise(ABORT, 'no') WHERE new.x = 99; END`,
    ["SELECT * FROM t", "SELECT * FROM log", "SELECT * FROM v"],
  ],
  [
    "rows whose foreign keys and checks do not hold",
    `CREATE TABLE child (e REFERENCES es_events (position), c REFERENCES parent); CREATE TABLE parent (id PRIMARY KEY CHECK (id > 0));
     PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
     INSERT INTO child VALUES (2, 7), (99, 99); INSERT INTO parent VALUES (7), (-1)`,
    ["SELECT * FROM child", "SELECT * FROM parent"],
  ],
  [
    "virtual tables",
    `CREATE VIRTUAL TABLE notes USING fts5(text, tokenize = 'porter'); INSERT INTO notes VALUES ('running'), ('walked');
     CREATE VIRTUAL TABLE places USING rtree(id, x0, x1); INSERT INTO places VALUES (1, 0, 1), (2, 5, 6);
     CREATE TABLE texts (t); INSERT INTO texts VALUES ('one'), ('two');
     CREATE VIRTUAL TABLE texts_index USING fts5(t, content = 'texts'); INSERT INTO texts_index (texts_index) VALUES ('rebuild');
     CREATE TRIGGER texts_in AFTER INSERT ON texts BEGIN INSERT INTO texts_index (rowid, t) VALUES (new.rowid, new.t); END`,
    [
      "SELECT rowid, text FROM notes WHERE notes MATCH 'run'",
      "SELECT * FROM places WHERE x0 > 2",
      "SELECT rowid, t FROM texts_index('two')",
    ],
  ],
];

const COUNTED = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200000) SELECT n FROM c";
const SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";

describe.each(DRIVER_NAMES)("a backup over %s", (driver) => {
  test.each(KINDS)("has the application's tables as they are: %s", async (_, schema, queries) => {
    await using copied = await backUp(driver, schema);
    expect(copied.error).toBeUndefined();
    for (const sql of [SCHEMA, ...queries]) {
      const [store, copy] = await copied.both(sql);
      expect(store.length).toBeGreaterThan(0);
      expect(copy).toEqual(store);
    }
    await using copy = await copied.openCopy();
    const { ok, problems, applicationTables } = await copy.verify();
    expect({ ok, problems }).toEqual({ ok: true, problems: [] });
    expect(applicationTables).toBe(copied.report?.tables.length);
    await expect((await copy.openStream("a")).write({ type: "Counted", data: 4 })).resolves.toMatchObject({
      version: 4,
    });
  });

  test("reports each table of the application with its rows, and what acts on them works in the copy", async () => {
    await using copied = await backUp(
      driver,
      `CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders SELECT * FROM (${COUNTED});
       CREATE TABLE log (id); CREATE TRIGGER orders_log AFTER INSERT ON orders BEGIN INSERT INTO log VALUES (new.id); END;
       CREATE VIRTUAL TABLE notes USING fts5(text); INSERT INTO notes VALUES ('a'), ('b');`,
    );
    expect(copied.report).toMatchObject({
      events: 3,
      tables: [
        { name: "log", rows: 0 },
        { name: "notes", rows: 2 },
        { name: "orders", rows: 200_000 },
      ],
    });
    await withConnection(driver, copied.folder.file("copy.db"), async (connection) => {
      await connection.exec("INSERT INTO orders VALUES (200001); INSERT INTO notes VALUES ('c')");
      expect(await connection.all("SELECT id FROM log")).toEqual([{ id: 200_001 }]);
      expect(await connection.all("SELECT rowid FROM notes('c')")).toEqual([{ rowid: 3 }]);
    });
  });

  test("keeps the format of the database: its encoding, the size of its pages, and whether it shrinks", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const connection = await DRIVERS[driver].open(path, "create");
    await connection.exec("PRAGMA encoding = 'UTF-16be'; PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL");
    await migrate(connection, path);
    await connection.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('ünï')");
    await connection.close();
    await using streams = await sqliteStreamFactory(path, { driver });
    await (await streams.openStream("ä")).write({ type: "Counted", data: "表" });
    await streams.backup(folder.file("copy.db"));
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    expect(await copy.verify()).toMatchObject({ ok: true, checkedEvents: 1 });
    await withConnection(driver, folder.file("copy.db"), async (copied) => {
      const pragmas =
        "(SELECT page_size FROM pragma_page_size) AS pages, (SELECT auto_vacuum FROM pragma_auto_vacuum) AS shrinks";
      const [row] = await copied.all(`SELECT x, (SELECT encoding FROM pragma_encoding) AS encoding, ${pragmas} FROM t`);
      expect(row).toEqual({ x: "ünï", encoding: "UTF-16be", pages: 8_192, shrinks: 2 });
    });
  });

  test('with tables: "none" has the library\'s own tables alone', async () => {
    await using copied = await backUp(driver, "CREATE TABLE t (x); CREATE VIEW v AS SELECT x FROM t", {
      tables: "none",
    });
    expect(copied.report).toMatchObject({ events: 3, tables: [] });
    const [, copy] = await copied.both("SELECT name FROM sqlite_schema WHERE name IN ('t', 'v')");
    expect(copy).toEqual([]);
    await using streams = await copied.openCopy();
    expect(await (await streams.openStream("a")).loadSnapshot()).toMatchObject({ state: { count: 3 } });
    expect(await streams.verify()).toMatchObject({ ok: true, applicationTables: 0 });
  });

  test('with tables: "projections-excluded" has all but read models, which are made again from the copy', async () => {
    await using folder = await createTempDir();
    const counted: Projection = {
      name: "counted",
      tables: ({ sql: db, table }) =>
        db
          .run(sql`CREATE TABLE ${table("counted")} (id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT)`)
          .then(() => undefined),
      project: async (events, { sql: db, table }) => {
        for (const { streamId } of events)
          await db.run(sql`INSERT INTO ${table("counted")} (stream) VALUES (${streamId})`);
      },
    };
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const { position } = await (await streams.openStream("a")).write([1, 2].map((data) => ({ type: "Counted", data })));
    await streams.transaction(async (tx) => {
      await tx.sql.run(sql`CREATE TABLE own (x)`);
      await tx.records.put("own", "key", {});
    });
    await using runner = await runProjections(streams, [counted]);
    await whenProcessed(streams, "counted", position);
    const report = await streams.backup(folder.file("copy.db"), { tables: "projections-excluded" });
    expect(report.tables).toEqual([{ name: "own", rows: 0 }]);
    await runner[Symbol.asyncDispose]();

    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    expect(await copy.query(sql`SELECT name FROM sqlite_schema WHERE name LIKE 'counted%'`)).toEqual([]);
    expect(await copy.transaction((tx) => tx.records.get("own", "key"))).toMatchObject({ value: {} });
    await using _again = await runProjections(copy, [counted]);
    await whenProcessed(copy, "counted", position);
    expect(await copy.query(sql`SELECT * FROM counted`)).toEqual([
      { id: 1, stream: "a" },
      { id: 2, stream: "a" },
    ]);
    // Without its tables a checkpoint would pass over what they lack.
    await streams.backup(folder.file("bare.db"), { tables: "none" });
    await using bare = await sqliteStreamFactory(folder.file("bare.db"), { driver });
    await using _bare = await runProjections(bare, [counted]);
    await whenProcessed(bare, "counted", position);
    expect(await bare.query(sql`SELECT count(*) AS n FROM counted`)).toEqual([{ n: 2 }]);
  });

  // The drivers have no functions of their own, so that the schema is written as if there were one.
  test.each([
    ["an index", 'index "by_f"', "CREATE INDEX by_f ON t (lower(x))", "CREATE INDEX by_f ON t (f(x))"],
    ["a check", 'table "u"', "CREATE TABLE u (x CHECK (x > lower(1)))", "CREATE TABLE u (x CHECK (x > f(1)))"],
  ])("that cannot be made names what it cannot make: %s", async (_, object, sql, changed) => {
    await using copied = await backUp(
      "sqlite3",
      `CREATE TABLE t (x); INSERT INTO t VALUES ('a'); ${sql}; PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = '${changed}' WHERE sql = '${sql}'`,
    );
    expect(copied.error).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(new RegExp(`Cannot back up the ${object}: .*f.*tables: "none"`)),
    });
    expect((await readdir(copied.folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test.each(["file", "memory"])("ends while tables are copied, from a store in %s that goes on", async (place) => {
    await using folder = await createTempDir();
    const controller = new AbortController();
    const reason = new Error("enough");
    let copies = 0;
    const path = place === "file" ? folder.file("store.db") : ":memory:";
    const driverThatAborts = faultyDriver(({ sql }) => {
      if (sql.includes('INSERT INTO backup."es_snapshots"') && ++copies === 2) controller.abort(reason);
      return undefined;
    }, DRIVERS[driver]);
    const { maintenance, ...backend } = await openSQLiteBackend(path, {}, driverThatAborts);
    await using streams = createStreamFactory(backend);
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 500 }, (_, data) => ({ type: "Counted", data })));
    for (let version = 1; version <= 500; version += 1) await stream.snapshot({ version }, { version });
    const backup = maintenance.backup(folder.file("copy.db"), { signal: controller.signal });
    await expect(backup).rejects.toBe(reason);
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
    expect(await stream.write({ type: "Counted", data: 500 })).toMatchObject({ version: 501 });
    const { events } = await maintenance.backup(folder.file("copy.db"));
    expect(events).toBe(501);
  });
});

test.each(["all ", "projections", 1, null])("tables: %j is refused", async (tables) => {
  await using streams = await sqliteStreamFactory(":memory:");
  await expect(streams.backup("copy.db", { tables: tables as never })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "tables",
  });
});
