import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** Opens a database that is closed when the test's block ends. */
async function openClosing(
  open: () => Promise<SQLiteConnection>,
): Promise<{ readonly connection: SQLiteConnection } & AsyncDisposable> {
  const connection = await open();
  return { connection, [Symbol.asyncDispose]: () => connection.close() };
}

describe.each(DRIVER_NAMES)("the driver %s", (name) => {
  const driver = DRIVERS[name];
  const openInMemory = () => openClosing(() => driver.open(":memory:", "create"));

  test("binds numbered parameters, each as often as it stands there", async () => {
    await using opened = await openInMemory();
    const rows = await opened.connection.all("SELECT ?2 AS b, ?1 AS a, ?2 IS NULL AS c", ["x", null]);
    expect(rows).toEqual([{ a: "x", b: null, c: 1 }]);
  });

  test.each([
    ["a text", "a", "text"],
    ["an empty text", "", "text"],
    ["null", null, "null"],
    ["a fraction", 0.1, "real"],
    ["the largest safe number", Number.MAX_SAFE_INTEGER, null],
    ["a negative number", -5, null],
  ] as const)("gives back %s as it was bound", async (_, value, type) => {
    await using opened = await openInMemory();
    const [row] = await opened.connection.all<{ v: unknown; t: string }>("SELECT ?1 AS v, typeof(?1) AS t", [value]);
    expect(row).toEqual({ v: value, t: type ?? expect.any(String) });
  });

  test("takes a text with a zero character whole", async () => {
    await using opened = await openInMemory();
    // Read as JSON, since some drivers cut the text itself at that character.
    expect(await opened.connection.all("SELECT json_quote(?1) AS text", ["a\0b"])).toEqual([{ text: '"a\\u0000b"' }]);
  });

  test.each([
    ["Uint8Array", new Uint8Array([1, 0, 255])],
    ["a part of a larger Uint8Array", new Uint8Array([9, 1, 0, 255, 9]).subarray(1, 4)],
    ["Buffer", Buffer.from([1, 0, 255])],
  ])("gives back the bytes of %s", async (_, bytes) => {
    await using opened = await openInMemory();
    const [row] = await opened.connection.all<{ v: Uint8Array; t: string }>("SELECT ?1 AS v, typeof(?1) AS t", [bytes]);
    expect(row?.t).toBe("blob");
    expect(row?.v).toBeInstanceOf(Uint8Array);
    expect([...(row?.v ?? [])]).toEqual([1, 0, 255]);
  });

  test.each([
    ["in memory of its own", new Uint8Array(new ArrayBuffer(0))],
    ["that are a part of others", new Uint8Array([1, 2]).subarray(1, 1)],
  ])("gives back no bytes %s as no bytes, not as null", async (_, bytes) => {
    await using opened = await openInMemory();
    const rows = await opened.connection.all("SELECT typeof(?1) AS t, length(?1) AS n", [bytes]);
    expect(rows).toEqual([{ t: "blob", n: 0 }]);
  });

  test("leaves nothing under way where the database was locked", async () => {
    await using folder = await createTempDir();
    const path = folder.file("locked.db");
    await using holding = await openClosing(() => driver.open(path, "create"));
    await using refused = await openClosing(() => driver.open(path, "create"));
    await holding.connection.exec("CREATE TABLE t (a); BEGIN IMMEDIATE");
    await expect(refused.connection.run("BEGIN IMMEDIATE")).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    await holding.connection.exec("COMMIT");
    // SQLite refuses it while a statement of the same connection is under way.
    expect(await refused.connection.all("PRAGMA journal_mode = WAL")).toEqual([{ journal_mode: "wal" }]);
  });

  test("keeps whole numbers whole in a STRICT table", async () => {
    await using opened = await openInMemory();
    const { connection } = opened;
    await connection.exec("CREATE TABLE t (a INTEGER) STRICT");
    await connection.run("INSERT INTO t VALUES (?1), (?2)", [2 ** 40, Number.MAX_SAFE_INTEGER]);
    expect(await connection.all("SELECT a, typeof(a) AS t FROM t")).toEqual([
      { a: 2 ** 40, t: "integer" },
      { a: Number.MAX_SAFE_INTEGER, t: "integer" },
    ]);
  });

  test("runs what returns no rows by either call, and what returns rows by one", async () => {
    await using opened = await openInMemory();
    const { connection } = opened;
    await connection.exec("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    expect(await connection.all("INSERT INTO t VALUES (?1)", [1])).toEqual([]);
    expect(await connection.run("INSERT INTO t VALUES (2), (3)")).toEqual({ changes: 2 });
    expect(await connection.all("INSERT INTO t VALUES (4) RETURNING a")).toEqual([{ a: 4 }]);
    await connection.run("BEGIN IMMEDIATE");
    expect(await connection.run("INSERT INTO t SELECT 6 WHERE 0")).toEqual({ changes: 0 });
    await connection.run("ROLLBACK");
    expect(await connection.all("SELECT count(*) AS n FROM t")).toEqual([{ n: 4 }]);
    expect(await connection.all("PRAGMA user_version = 7")).toEqual([]);
    expect(await connection.all("PRAGMA user_version")).toEqual([{ user_version: 7 }]);
  });

  test("leaves the rows of the application's statements, and nothing under way", async () => {
    await using opened = await openInMemory();
    const { connection } = opened;
    await connection.exec("CREATE TABLE t (a); BEGIN");
    expect(await connection.runPositional("INSERT INTO t VALUES (?), (?) RETURNING a", [1, 2])).toEqual({ changes: 2 });
    await connection.runPositional("SELECT a FROM t", []);
    expect(await connection.runPositional("-- all\nUPDATE t SET a = ? RETURNING a", [3])).toEqual({ changes: 2 });
    await connection.exec("COMMIT; DROP TABLE t");
  });

  test("runs more statements than it keeps prepared, over and over", async () => {
    await using opened = await openInMemory();
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 100; index += 1) {
        expect(await opened.connection.all(`SELECT ${index} AS n`)).toEqual([{ n: index }]);
      }
    }
  });

  test("names the primary result code of a failure", async () => {
    await using opened = await openInMemory();
    const { connection } = opened;
    await connection.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b CHECK (b > 0)); INSERT INTO t VALUES (1, 1)");
    await expect(connection.run("INSERT INTO t VALUES (1, 1)")).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await expect(connection.all("INSERT INTO t VALUES (2, 0)")).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await expect(connection.exec("SELEC")).rejects.toMatchObject({ code: "SQLITE_ERROR" });
    await expect(connection.all("SELECT * FROM missing")).rejects.toMatchObject({ code: "SQLITE_ERROR" });
  });

  test("changes the content of a virtual table and the schema table where it is told to", async () => {
    await using opened = await openInMemory();
    const { connection } = opened;
    await connection.exec("CREATE VIRTUAL TABLE words USING fts5 (word)");
    connection.setDefensive?.(false);
    await connection.run("INSERT INTO words_config VALUES (?1, ?2)", ["pgsz", 100]);
    await connection.exec("PRAGMA writable_schema = ON");
    await connection.run("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'words'", [
      "CREATE VIRTUAL TABLE words USING fts5 (term)",
    ]);
    await connection.exec("PRAGMA writable_schema = RESET");
    expect(await connection.all("SELECT name FROM pragma_table_info('words')")).toEqual([{ name: "term" }]);
  });

  test("makes a missing file only where it is told to, and none in a folder that is not there", async () => {
    await using folder = await createTempDir();
    for (const mode of ["existing", "readonly"] as const) {
      await expect(driver.open(folder.file("a.db"), mode)).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
      expect(existsSync(folder.file("a.db"))).toBe(false);
    }
    await expect(driver.open(folder.file("b/a.db"), "create")).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
  });

  test("creates no file where one is expected, and opens one whose name means something in a URI", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a #1 100% ü?mode=ro.db");
    await expect(driver.open(path, "existing")).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
    await (await driver.open(path, "create")).close();
    await using opened = await openClosing(() => driver.open(path, "existing"));
    await opened.connection.exec("CREATE TABLE t (a)");
    await using reader = await openClosing(() => driver.open(path, "readonly"));
    expect(await reader.connection.all("SELECT name FROM sqlite_schema")).toEqual([{ name: "t" }]);
  });

  test("refuses a write through a connection that reads", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a.db");
    await using writer = await openClosing(() => driver.open(path, "create"));
    await writer.connection.exec("CREATE TABLE t (a)");
    await using reader = await openClosing(() => driver.open(path, "readonly"));
    await expect(reader.connection.run("INSERT INTO t VALUES (1)")).rejects.toMatchObject({ code: "SQLITE_READONLY" });
  });

  test("does not wait for a lock itself", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a.db");
    await using first = await openClosing(() => driver.open(path, "create"));
    await using second = await openClosing(() => driver.open(path, "create"));
    await first.connection.exec("BEGIN IMMEDIATE");
    await expect(second.connection.run("BEGIN IMMEDIATE")).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    expect(await second.connection.all("PRAGMA busy_timeout")).toEqual([{ timeout: 0 }]);
  });

  test("lets timers run between calls that follow each other without end", async () => {
    await using opened = await openInMemory();
    let hasTimerRun = false;
    setTimeout(() => {
      hasTimerRun = true;
    });
    // It ends only because the timer runs between two calls.
    while (!hasTimerRun) await opened.connection.all("SELECT 1");
    expect(hasTimerRun).toBe(true);
  });
});
