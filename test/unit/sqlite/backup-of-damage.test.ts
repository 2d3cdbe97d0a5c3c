import { readdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { execLax } from "../../support/lax-definition.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

test("an event whose JSON is damaged, which an index looks into, ends a backup", async () => {
  await using folder = await createTempDir();
  const options: SQLiteOptions = { indexes: ["data.index"] };
  {
    await using streams = await sqliteStreamFactory(folder.file("store.db"), options);
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 10 }, (_, index) => ({ type: "Counted", data: { index } })));
  }
  const bytes = await readFile(folder.file("store.db"));
  bytes.write(",", bytes.indexOf('{"index":3}') + '{"index":3'.length);
  await writeFile(folder.file("store.db"), bytes);
  await using streams = await sqliteStreamFactory(folder.file("store.db"), options);
  await expect(streams.backup(folder.file("copy.db"))).rejects.toMatchObject({
    code: "STORAGE_CORRUPT",
    message: expect.stringContaining("an event after position 0 has a value that no event can have"),
  });
  expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
});

test("a table of the library with a value that it cannot have ends a backup, whatever is left out", async () => {
  await using folder = await createTempDir();
  {
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await streams.transaction(({ records }) => records.put("settings", "theme", { dark: true }));
  }
  const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
  const isLax = { table: "es_records", definition: "TEXT NOT NULL,\n    PRIMARY", lax: "TEXT,\n    PRIMARY" };
  await execLax(connection, isLax, "UPDATE es_records SET value = NULL");
  await connection.close();
  await using streams = await sqliteStreamFactory(folder.file("store.db"));
  for (const tables of ["all", "none"] as const) {
    await expect(streams.backup(folder.file("copy.db"), { tables })).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/the table "es_records": .*verify\(\) lists what is/),
    });
  }
  expect((await streams.verify()).problems).toMatchObject([{ kind: "structure" }, { kind: "record" }]);
  expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
});
