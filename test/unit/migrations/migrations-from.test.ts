import { mkdir, rm, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { migrate, migrationsFrom } from "../../../src/migrations/index.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { createTempDir } from "../../support/temp-dir.js";

/** A folder with files. */
async function folderWith(files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = await createTempDir();
  for (const [name, content] of Object.entries(files)) await writeFile(folder.file(name), content);
  return folder;
}

test("reads the migrations of a folder in the order of their numbers", async () => {
  await using folder = await folderWith({
    "10_last.up.sql": "c",
    "0002_second.up.sql": "b",
    "0002_second.down.sql": "undo b",
    "20240101120000_dated.up.sql": "d",
    "20240101120000123_with_ms.up.sql": "e",
    "20240101120000124_and_one_more.up.sql": "",
    "1_first.up.sql": "\uFEFFa",
    "README.md": "not one",
  });
  const expected = [
    { id: "1_first", up: "a" },
    { id: "0002_second", up: "b", down: "undo b" },
    { id: "10_last", up: "c" },
    { id: "20240101120000_dated", up: "d" },
    { id: "20240101120000123_with_ms", up: "e" },
    { id: "20240101120000124_and_one_more", up: "" },
  ];
  expect(await migrationsFrom(folder.path)).toEqual(expected);
  expect(await migrationsFrom(pathToFileURL(`${folder.path}/`))).toEqual(expected);
});

test("migrate takes them as they come", async () => {
  await using folder = await folderWith({
    "0001_a.up.sql": "CREATE TABLE a (x);",
    "0002_b.up.sql": "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);",
  });
  await using streams = await sqliteStreamFactory(":memory:");
  const report = await migrate(streams, migrationsFrom(folder.path));
  expect(report).toEqual({ applied: ["0001_a", "0002_b"], reverted: [] });
  expect(await streams.query(sql`SELECT x FROM a`)).toEqual([{ x: 1 }, { x: 2 }]);
});

test("an empty file is a migration that does nothing, and line ends may change", async () => {
  await using folder = await folderWith({ "1_none.up.sql": "", "2_a.up.sql": "CREATE TABLE a (\n  x\n);\n" });
  await using streams = await sqliteStreamFactory(":memory:");
  expect((await migrate(streams, migrationsFrom(folder.path))).applied).toEqual(["1_none", "2_a"]);
  await writeFile(folder.file("2_a.up.sql"), "\uFEFFCREATE TABLE a (\r\n  x\r\n);\r\n");
  await writeFile(folder.file("2_a.down.sql"), "\uFEFFDROP TABLE a;\r\n");
  await writeFile(folder.file("1_none.down.sql"), "");
  expect(await migrate(streams, migrationsFrom(folder.path), { to: null })).toEqual({
    applied: [],
    reverted: ["2_a", "1_none"],
  });
});

test("a file that was changed or removed is refused by its id", async () => {
  await using folder = await folderWith({ "1_a.up.sql": "CREATE TABLE a (x)", "2_b.up.sql": "CREATE TABLE b (x)" });
  await using streams = await sqliteStreamFactory(":memory:");
  await migrate(streams, migrationsFrom(folder.path));
  await writeFile(folder.file("1_a.up.sql"), "CREATE TABLE a (x, y)");
  const changed = migrate(streams, migrationsFrom(folder.path));
  await expect(changed).rejects.toMatchObject({ code: "MIGRATION_CHANGED", id: "1_a" });
  await rm(folder.file("1_a.up.sql"));
  const missing = migrate(streams, migrationsFrom(folder.path));
  await expect(missing).rejects.toMatchObject({ code: "MIGRATION_MISSING", id: "1_a" });
});

test.each<[string, Readonly<Record<string, string | Uint8Array>>, string]>([
  ["two migrations with one number", { "1_a.up.sql": "", "0001_b.up.sql": "" }, '"0001_b" and "1_a"'],
  [
    "an up and a down that write their number differently",
    { "01_a.up.sql": "", "1_a.down.sql": "" },
    '"01_a" and "1_a"',
  ],
  ["a down without its up", { "1_a.down.sql": "" }, '"1_a.up.sql"'],
  ["a file without a direction", { "1_a.sql": "" }, '"1_a.sql"'],
  ["a file with a direction in capitals", { "1_a.UP.SQL": "" }, '"1_a.UP.SQL"'],
  ["a file without a name", { "1_.up.sql": "" }, '"1_.up.sql"'],
  ["a file of another tool", { "._1_a.up.sql": "" }, '"._1_a.up.sql"'],
  ["a file without a number", { "a.up.sql": "" }, '"a.up.sql"'],
  ["a file that is no text", { "1_a.up.sql": Uint8Array.of(0xff, 0xfe) }, '"1_a.up.sql"'],
])("refuses %s by its name", async (_, files, named) => {
  await using folder = await folderWith(files);
  const message = expect.stringContaining(named);
  await expect(migrationsFrom(folder.path)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "folder",
    message,
  });
});

test("refuses a folder in the place of a file by its name", async () => {
  await using folder = await createTempDir();
  await mkdir(folder.file("1_a.up.sql"));
  await expect(migrationsFrom(folder.path)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining('"1_a.up.sql"'),
  });
});

test("refuses a folder that is not there, and what is no folder", async () => {
  await using folder = await createTempDir();
  for (const path of [folder.file("missing"), "", 7, new URL("https://example.com/"), new URL("file://host/a")]) {
    const reading = migrationsFrom(path as string);
    const text = path instanceof URL ? path.href : JSON.stringify(path);
    await expect(reading).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "folder",
      message: expect.stringContaining(`Cannot read migrations from ${text}: invalid folder: `),
    });
  }
});
