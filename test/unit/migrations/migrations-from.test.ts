import { writeFile } from "node:fs/promises";
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
    "1_first.up.sql": "\uFEFFa",
    "README.md": "not one",
  });
  const expected = [
    { id: "1_first", up: "a" },
    { id: "0002_second", up: "b", down: "undo b" },
    { id: "10_last", up: "c" },
    { id: "20240101120000_dated", up: "d" },
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

test.each<[string, Readonly<Record<string, string | Uint8Array>>, string]>([
  ["two migrations with one number", { "1_a.up.sql": "", "0001_b.up.sql": "" }, '"0001_b" and "1_a"'],
  ["a down without its up", { "1_a.down.sql": "" }, '"1_a.up.sql"'],
  ["a file without a direction", { "1_a.sql": "" }, '"1_a.sql"'],
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

test("refuses a folder that is not there, and what is no folder", async () => {
  await using folder = await createTempDir();
  for (const path of [folder.file("missing"), "", 7, new URL("https://example.com/")]) {
    const reading = migrationsFrom(path as string);
    await expect(reading).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "folder" });
  }
});
