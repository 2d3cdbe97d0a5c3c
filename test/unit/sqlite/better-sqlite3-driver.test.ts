import { expect, test } from "vitest";
import { betterSqlite3Driver } from "../../../adapters/sqlite/drivers/better-sqlite3-driver.js";
import { createTempDir } from "../../support/temp-dir.js";

test("better-sqlite3 keeps the extended result code", async () => {
  const connection = await betterSqlite3Driver.open(":memory:", "create");
  const failing = connection.exec("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1), (1)");
  await expect(failing).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT", extendedCode: "SQLITE_CONSTRAINT_UNIQUE" });
  await connection.close();
});

test("better-sqlite3 opens no path that it would change", async () => {
  await using folder = await createTempDir();
  await expect(betterSqlite3Driver.open(folder.file("a.db "), "create")).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "path",
  });
});
