import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { restore } from "../../../copy.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { migrate } from "../../../src/migrations/index.js";
import { countedUpTo } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir } from "../../support/temp-dir.js";
import { contentsOf, fillRichly } from "./support/rich-store.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const open = async () => postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });

  test("a backup of a store in PostgreSQL is a SQLite store, and can be restored into another", async () => {
    await using folder = await createTempDir();
    const path = folder.file("backup.db");
    await using from = await open();
    await fillRichly(from);
    const told: number[] = [];
    const report = await from.backup(path, { onProgress: ({ copiedEvents }) => told.push(copiedEvents) });
    const { events } = await contentsOf(from);
    expect(report).toMatchObject({ path, events: (events as unknown[]).length, tables: [] });
    expect(told).toContain(report.events);
    expect(await readdir(dirname(path))).toEqual(["backup.db"]);

    await using to = await open();
    await restore(path, to);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
    await using copy = await sqliteStreamFactory(path);
    expect(await contentsOf(copy)).toEqual(await contentsOf(from));
    expect(await copy.verify()).toMatchObject({ problems: [] });
    await expect(from.backup(path)).rejects.toMatchObject({ code: "STORAGE_TARGET_EXISTS" });
  });

  test("a backup that fails or is aborted leaves no file", async () => {
    await using folder = await createTempDir();
    const path = folder.file("backup.db");
    await using from = await open();
    await (await from.openStream("a")).write(countedUpTo(2_000));
    const reason = new Error("enough");
    const controller = new AbortController();
    const onProgress = () => controller.abort(reason);
    await expect(from.backup(path, { onProgress, signal: controller.signal })).rejects.toBe(reason);
    await migrate(from, [{ id: "1", up: "CREATE TABLE orders (id int)" }]);
    await expect(from.backup(path)).rejects.toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringMatching(/"orders".*`pg_dump`/),
    });
    expect(await readdir(folder.path)).toEqual([]);
    expect(await from.backup(path, { tables: "none" })).toMatchObject({ events: 2_000 });
  });

  test("its path and its options are checked", async () => {
    await using folder = await createTempDir();
    await using from = await open();
    await expect(from.backup(":memory:")).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "path" });
    const path = folder.file("copy.db");
    await expect(from.backup(path, { tables: "some" } as never)).rejects.toMatchObject({ argument: "tables" });
    await expect(from.backup(folder.file("missing/copy.db"))).rejects.toMatchObject({ code: "STORAGE_FOLDER_MISSING" });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
