import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { restore } from "../../../copy.js";
import { createTempDir } from "../../support/temp-dir.js";

test("a backup that is not there, or is empty, is not restored, and nobody is told to make one", async () => {
  await using folder = await createTempDir();
  await using to = memoryStreamFactory();
  await writeFile(folder.file("empty.db"), "");
  for (const path of [folder.file("missing.db"), folder.file("empty.db")]) {
    await expect(restore(path, to)).rejects.toMatchObject({
      code: "STORAGE_NOT_FOUND",
      message: `Cannot restore ${path}: there is no store in that file; check the path. Nothing was copied.`,
    });
  }
  await expect(restore("", to)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining('Cannot open "": invalid path: '),
  });
});
