import { link, readdir, rm, symlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test("a file with two names is refused under both, until it has one again", async () => {
    await using folder = await createTempDir();
    const [path, other] = [folder.file("a.db"), folder.file("b.db")];
    await (await sqliteStreamFactory(path, { driver }))[Symbol.asyncDispose]();
    await link(path, other);
    const before = await readdir(folder.path);
    for (const name of [path, other]) {
      await expect(sqliteStreamFactory(name, { driver })).rejects.toMatchObject({
        name: "StorageError",
        code: "STORAGE_HARD_LINKED",
        message: expect.stringContaining(`${name}: the file has 2 names (hard links)`),
      });
    }
    expect(await readdir(folder.path)).toEqual(before);
    await rm(path);
    await using streams = await sqliteStreamFactory(other, { driver });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("a symbolic link is another path of the same store, also before the store is there", async () => {
    await using folder = await createTempDir();
    const [path, other] = [folder.file("a.db"), folder.file("b.db")];
    await symlink(path, other);
    await using first = await sqliteStreamFactory(other, { driver });
    await using second = await sqliteStreamFactory(path, { driver });
    await (await first.openStream("a")).write({ type: "Written", data: 1 });
    expect((await second.openStream("a")).version).toBe(1);
  });
});
