import { readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { backupToFile } from "../../../adapters/sqlite/backup-to-file.js";
import { countedUpTo } from "../../conformance/support/sample-events.js";
import { createTempDir } from "../../support/temp-dir.js";

// A copy has another name until it is complete, which tells its caller nothing.

async function openStore() {
  const streams = memoryStreamFactory();
  await (await streams.openStream("a")).write(countedUpTo(1_500));
  return streams;
}

test("a backup of a store of another adapter that cannot be made names the file that was asked for", async () => {
  await using folder = await createTempDir();
  await writeFile(folder.file("file"), "");
  await using streams = await openStore();

  await expect(backupToFile(streams, folder.file("file/copy.db"))).rejects.toMatchObject({
    code: "STORAGE_FOLDER_MISSING",
    message: expect.stringContaining(
      `Cannot back up to ${folder.file("file/copy.db")}: ${folder.file("file")} is not a`,
    ),
  });
});

test("a backup of a store of another adapter that fails on the way names the file that was asked for", async () => {
  await using folder = await createTempDir();
  await using streams = await openStore();
  const target = folder.file("copy.db");
  const names = () => readdir(dirname(target));
  let removed: Promise<unknown> | undefined;

  const failing = backupToFile(streams, target, {
    onProgress: () => {
      removed ??= names().then((found) =>
        Promise.all(found.map((name) => rm(join(dirname(target), name), { force: true }))),
      );
    },
  });
  await expect(failing).rejects.toMatchObject({
    code: "STORAGE_REPLACED",
    message: expect.stringContaining(`Cannot back up to ${target}: the database ${target} was deleted`),
  });
  await removed;
  expect(await names()).toEqual([]);
});
