import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import { copyStore } from "../../../src/copy/index.js";
import { migrate } from "../../../src/migrations/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { counted, countedUpTo } from "../../conformance/support/sample-events.js";
import { execLax } from "../../support/lax-definition.js";
import { overriding } from "../../support/overriding.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { contentsOf, type Streams } from "./support/rich-store.js";

async function write(streams: Streams, streamId: string, count: number): Promise<void> {
  await using stream = await streams.openStream(streamId);
  await stream.write(countedUpTo(count));
}

describe("a target is refused, and stays as it was", () => {
  const refused = { code: "STORAGE_TARGET_EXISTS", message: expect.stringContaining("Nothing was changed") };

  test.each([
    ["events", (to: Streams) => write(to, "b", 1)],
    ["snapshots", async (to: Streams) => (await to.openStream("b")).snapshot({}, { version: 0 })],
    ["records", (to: Streams) => to.transaction(({ records }) => records.put("s", "k", {}))],
  ])("when it has %s of its own", async (_, fill) => {
    await using from = memoryStreamFactory();
    await using to = memoryStreamFactory();
    await write(from, "a", 3);
    await fill(to);
    const before = await contentsOf(to);
    await expect(copyStore(from, to)).rejects.toMatchObject(refused);
    expect(await contentsOf(to)).toEqual(before);
  });

  test.each([
    ["an event", (to: Streams) => write(to, "b", 1)],
    ["a record", (to: Streams) => to.transaction(({ records }) => records.put("s", "k", {}))],
  ])("when somebody has written %s to the complete copy", async (_, change) => {
    await using from = memoryStreamFactory();
    await using to = memoryStreamFactory();
    await write(from, "a", 3);
    await copyStore(from, to);
    await change(to);
    await expect(copyStore(from, to)).rejects.toMatchObject(refused);
  });

  test("when it is a copy of another store", async () => {
    await using from = memoryStreamFactory();
    await using other = memoryStreamFactory();
    await using to = memoryStreamFactory();
    await write(from, "a", 3);
    await write(other, "a", 5);
    await copyStore(from, to);
    await expect(copyStore(other, to)).rejects.toMatchObject(refused);
    await using shorter = memoryStreamFactory();
    await write(shorter, "a", 2);
    await expect(copyStore(shorter, to)).rejects.toMatchObject(refused);
  });

  test("when somebody writes to it while it is copied to", async () => {
    await using from = memoryStreamFactory();
    await using to = memoryStreamFactory();
    await using stream = await to.openStream("b");
    await write(from, "a", 3_000);
    let writing: Promise<unknown> | undefined;
    const onProgress = (): void => {
      writing ??= stream.write(counted(1));
    };
    await expect(copyStore(from, to, { onProgress })).rejects.toMatchObject({
      code: "STORAGE_TARGET_EXISTS",
      message: expect.stringContaining("somebody else has written to it"),
    });
    await writing;
  });
});

describe("the application's tables", () => {
  test("are not left behind unnoticed", async () => {
    await using from = await sqliteStreamFactory(":memory:");
    await using to = memoryStreamFactory();
    await migrate(from, [{ id: "1", up: "CREATE TABLE orders (id INTEGER); CREATE TABLE lines (id INTEGER)" }]);
    await expect(copyStore(from, to)).rejects.toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringMatching(/\("lines", "orders"\).*Nothing was copied.*`migrate`.*`pg_dump`/),
    });
    await write(to, "a", 1);
  });

  test("stay behind with tables: none, and with them what migrations have noted", async () => {
    await using from = await sqliteStreamFactory(":memory:");
    await using to = await sqliteStreamFactory(":memory:");
    const migrations = [{ id: "1", up: "CREATE TABLE orders (id INTEGER)" }];
    await migrate(from, migrations);
    await write(from, "a", 2);
    // A target may have its tables before.
    await migrate(to, migrations);
    await to.transaction((tx) => tx.sql.run(sql`INSERT INTO orders (id) VALUES (7)`));

    expect(await copyStore(from, to, { tables: "none" })).toMatchObject({ events: 2, records: 0 });
    expect(await to.query(sql`SELECT id FROM orders`)).toEqual([{ id: 7 }]);
    expect(await migrate(to, migrations)).toMatchObject({ applied: [] });
    await write(from, "b", 1);
    expect(await copyStore(from, to, { tables: "none" })).toMatchObject({ events: 3 });
  });
});

test("a copy that does not keep what it is given is found out, and stays unusable", async () => {
  await using from = memoryStreamFactory();
  await write(from, "a", 3);
  for (const [part, lose] of [
    [
      "the event at position 2",
      { events: (events: readonly { position: number }[]) => events.filter(({ position }) => position !== 2) },
    ],
    [
      "the record",
      { records: (records: readonly { space: string }[]) => records.filter(({ space }) => space === "@copy") },
    ],
  ] as const) {
    await from.transaction(({ records }) => records.put("s", "k", {}));
    const storage = new MemoryStorageHandle();
    const losing = overriding<MemoryStorageHandle>(storage, {
      importContents: (batch) => {
        const put = { ...batch.put };
        for (const [name, change] of Object.entries(lose)) {
          const items = put[name as keyof typeof put];
          if (items !== undefined) Object.assign(put, { [name]: change(items as never) });
        }
        return storage.importContents({ ...batch, put });
      },
    });
    await using to = createStreamFactory({ storage: losing, notifier: new MemoryNotifier(storage) });
    await expect(copyStore(from, to)).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining(part),
    });
  }
});

test("a damaged event is not copied, because the copy's checksum would hide the damage", async () => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  {
    await using from = await sqliteStreamFactory(path);
    await write(from, "a", 3);
  }
  const connection = await DRIVERS.sqlite3.open(path, "existing");
  await connection.exec(
    `DROP TRIGGER es_events_are_never_changed; UPDATE es_events SET timestamp = 1 WHERE position = 2`,
  );
  await connection.close();
  await using from = await sqliteStreamFactory(path, { mode: "readonly" });
  await using to = memoryStreamFactory();
  await expect(copyStore(from, to)).rejects.toMatchObject({
    code: "STORAGE_CORRUPT",
    ...{ streamId: "a", position: 2 },
    message: expect.stringContaining(`Cannot copy the event at position 2 in ${path}: it is not what was written`),
  });
});

describe("a source with a row that the schema refuses is not copied", () => {
  test.each([
    [
      "an event without data",
      "es_events",
      "data = NULL",
      "ANY NOT NULL CHECK (typeof(data)",
      "ANY CHECK (typeof(data)",
    ],
    ["an event whose metadata is bytes", "es_events", "metadata = x'7b7d'", "metadata  TEXT", "metadata  ANY"],
    ["a stream whose name is bytes", "es_streams", "name = x'61'", "TEXT NOT NULL UNIQUE", "ANY NOT NULL UNIQUE"],
    ["a stream whose name is a number", "es_streams", "name = 0", "TEXT NOT NULL UNIQUE", "ANY NOT NULL UNIQUE"],
  ])("%s", async (_, table, damage, definition, lax) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using from = await sqliteStreamFactory(path);
      await write(from, "a", 1);
    }
    const connection = await DRIVERS.sqlite3.open(path, "existing");
    await connection.exec("DROP TRIGGER es_events_are_never_changed; PRAGMA ignore_check_constraints = ON");
    await execLax(connection, { table, definition, lax }, `UPDATE ${table} SET ${damage}`);
    await connection.close();
    await using from = await sqliteStreamFactory(path, { mode: "readonly" });
    await using to = memoryStreamFactory();
    await expect(copyStore(from, to)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  });
});
