import { open, stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { SQLiteConnection, SQLiteDriver, SQLiteValue } from "../../../adapters/sqlite/drivers/driver.js";
import { forwarding } from "../../support/forwarding.js";
import { openStoreOver } from "../../support/open-store.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const FRAME_BYTES = 24 + 4_096;

/** A real driver that calls back after each statement which stores events, before the library goes on. */
function afterInserts(driver: SQLiteDriver, onInserted: () => Promise<void>): SQLiteDriver {
  const inserted = async (sql: string): Promise<void> => {
    if (sql.includes("INSERT INTO es_append")) await onInserted();
  };
  return {
    ...driver,
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      return forwarding(connection, {
        run: async (sql, parameters) => {
          const result = await connection.run(sql, parameters);
          await inserted(sql);
          return result;
        },
        runPositional: async (sql, values) => {
          const result = await connection.runPositional(sql, values);
          await inserted(sql);
          return result;
        },
        all: async <Row>(sql: string, parameters?: Parameters<SQLiteConnection["all"]>[1]) => {
          const rows = await connection.all<Row>(sql, parameters);
          await inserted(sql);
          return rows;
        },
        allPositional: async <Row>(sql: string, values: readonly SQLiteValue[]) => {
          const rows = await connection.allPositional<Row>(sql, values);
          await inserted(sql);
          return rows;
        },
      });
    },
  };
}

async function overwrite(path: string, place: number, bytes: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(new Uint8Array(bytes), 0, bytes, place);
}

// SQLite goes on with the next page where another program has cut off those that it had just written.
describe.skipIf(process.platform === "win32").each(DRIVER_NAMES)(
  "over %s, a log that is cut in the midst of a commit",
  (name) => {
    test.each([
      ["of an event, by a page", 10, 1, FRAME_BYTES],
      ["of an event, by the end of a page", 10, 1.5, FRAME_BYTES / 2],
      ["of a large event, by a page", 200_000, 20, FRAME_BYTES],
      ["of a large event, by its last page but one", 200_000, 48, FRAME_BYTES],
      ["of an event of thousands of pages, by one", 6_000_000, 1_200, FRAME_BYTES],
    ])("%s acknowledges neither that commit nor a later one", async (_, characters, frame, bytes) => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      let place = Number.NaN;
      const driver = afterInserts(DRIVERS[name], async () => {
        if (place > 0) await overwrite(`${path}-wal`, place, bytes);
        place = Number.NaN;
      });
      await using streams = await openStoreOver(driver, path);
      await using stream = await streams.openStream("a");
      for (let data = 0; data < 10; data += 1) await stream.write({ type: "A", data });

      place = (await stat(`${path}-wal`)).size + frame * FRAME_BYTES;
      const cut = { code: "STORAGE_CORRUPT" };
      await expect(stream.write({ type: "B", data: "x".repeat(characters) })).rejects.toMatchObject(cut);
      await expect(stream.write({ type: "B", data: 1 })).rejects.toMatchObject(cut);
    });

    test("is told from one that is whole, whatever the sizes of its commits", async () => {
      await using folder = await createTempDir();
      await using streams = await openStoreOver(DRIVERS[name], folder.file("store.db"));
      await using stream = await streams.openStream("a");
      for (const characters of [10, 5_000, 200_000, 6_000_000, 10, 40_000]) {
        await stream.write({ type: "A", data: "x".repeat(characters) });
      }
      expect(await streams.verify()).toMatchObject({ ok: true });
    });
  },
);
