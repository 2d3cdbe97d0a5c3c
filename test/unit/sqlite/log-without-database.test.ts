import { copyFile, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// SQLite takes a log that it finds beside a new database for rubbish, and removes it.

const EVENTS = 20;

/** A store with events that are only in its log, as a crash leaves it. */
async function makeCrashedStore(folder: string, path: string, driver: DriverName): Promise<void> {
  await using streams = await sqliteStreamFactory(`${folder}/source.db`, { driver });
  const stream = await streams.openStream("a");
  for (let data = 0; data < EVENTS; data += 1) await stream.write({ type: "A", data });
  for (const ending of ["", "-wal"]) await copyFile(`${folder}/source.db${ending}`, `${path}${ending}`);
}

/** The header of a rollback journal that was begun when the database had some pages. */
function journalOf(pages: number): Buffer {
  const header = Buffer.alloc(512);
  header.write("d9d505f920a163d7", "hex");
  header.writeInt32BE(pages, 16);
  header.writeInt32BE(512, 20);
  header.writeInt32BE(4_096, 24);
  return header;
}

describe.each(DRIVER_NAMES)("over %s, a log with content", (driver) => {
  test.each(["is not there", "is empty"])("whose database %s is refused by name and kept", async (state) => {
    await using source = await createTempDir();
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeCrashedStore(source.path, path, driver);
    await rename(path, source.file("aside.db"));
    if (state === "is empty") await writeFile(path, "");
    const log = await readFile(`${path}-wal`);
    const names = await readdir(folder.path);

    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject({
      code: "STORAGE_LOG_WITHOUT_DATABASE",
      message: expect.stringContaining(`the database ${state}, and ${path}-wal has content`),
    });
    expect(await readdir(folder.path)).toEqual(names);
    expect((await readFile(`${path}-wal`)).equals(log)).toBe(true);

    await rename(source.file("aside.db"), path);
    await using streams = await sqliteStreamFactory(path, { driver });
    expect((await streams.openStream("a")).version).toBe(EVENTS);
  });

  test("that undoes an unfinished write of a database that is gone is refused too", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await writeFile(`${path}-journal`, journalOf(9));
    const refusal = { code: "STORAGE_LOG_WITHOUT_DATABASE", message: expect.stringContaining(`${path}-journal`) };
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject(refusal);
    await writeFile(path, "");
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject(refusal);
  });

  test.each([
    ["undoes the creation of the database", journalOf(0), "is empty"],
    ["undoes the creation of the database", journalOf(0), "is not there"],
    ["was never begun", Buffer.alloc(512), "is empty"],
    ["was never begun", Buffer.alloc(512), "is not there"],
  ])("that %s, as a crash leaves it, is no hindrance where the database %s", async (_, journal, state) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    if (state === "is empty") await writeFile(path, "");
    await writeFile(`${path}-journal`, journal);
    await using streams = await sqliteStreamFactory(path, { driver });
    expect(await (await streams.openStream("a")).write({ type: "A", data: 1 })).toMatchObject({ version: 1 });
  });

  test("is needed: one without content is not, and the store is new", async () => {
    await using source = await createTempDir();
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeCrashedStore(source.path, path, driver);
    await truncate(`${path}-wal`, 0);
    await rm(path);
    await using streams = await sqliteStreamFactory(path, { driver });
    expect((await streams.openStream("a")).version).toBe(0);
  });
});
