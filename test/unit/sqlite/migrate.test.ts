import { describe, expect, test } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { migrate } from "../../../adapters/sqlite/open/migrate.js";
import { EVENT_STORE } from "../../../adapters/sqlite/open/schema.js";
import { overriding } from "../../support/overriding.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** A later version of the schema, as one may come. */
const LATER = {
  ...EVENT_STORE,
  steps: [...EVENT_STORE.steps, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT; INSERT INTO later VALUES (7);"],
};

async function makeStore(path: string, driver: DriverName): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { driver });
  const stream = await streams.openStream("a");
  await stream.write([
    { type: "A", data: { amount: 1 } },
    { type: "B", data: new Uint8Array([1, 2]) },
  ]);
  await stream.snapshot({ sum: 1 });
}

async function count(connection: SQLiteConnection, table: string): Promise<number> {
  const [row] = await connection.all<{ count: number }>(`SELECT count(*) AS count FROM ${table}`);
  return row?.count ?? 0;
}

describe.each(DRIVER_NAMES)("a file of an older schema, over %s,", (name) => {
  const driver = DRIVERS[name];

  test("is brought to the newer one, with everything in it", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, name);
    const connection = await driver.open(path, "create");
    await migrate(connection, path, LATER);
    await migrate(connection, path, LATER);
    expect(await count(connection, "later")).toBe(1);
    expect(await count(connection, "es_events")).toBe(2);
    expect(await count(connection, "es_snapshots")).toBe(1);
    await connection.close();

    await expect(sqliteStreamFactory(path, { driver: name })).rejects.toMatchObject({
      code: "STORAGE_NEWER_SCHEMA",
      message: expect.stringMatching(/version 2, and this library knows 1; update the library/),
    });
  });

  test("is as it was when a step fails, and still opens", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, name);
    const connection = await driver.open(path, "create");
    const failing = { ...LATER, steps: [...LATER.steps, "CREATE TABLE later (again)"] };
    await expect(migrate(connection, path, failing)).rejects.toThrow("later");
    expect(await count(connection, "sqlite_schema WHERE name = 'later'")).toBe(0);
    await connection.close();

    await using streams = await sqliteStreamFactory(path, { driver: name });
    expect(await (await streams.openStream("a")).metrics()).toMatchObject({ eventCount: 2 });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 2 });
  });

  test("is left alone by a connection that got the lock behind another's migration", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, name);
    const [first, second] = [await driver.open(path, "create"), await driver.open(path, "create")];
    const overtaken = overriding(second, {
      run: async (sql, parameters) => {
        if (sql.startsWith("BEGIN")) await migrate(first, path, LATER);
        return second.run(sql, parameters);
      },
    });
    await migrate(overtaken, path, LATER);
    expect(await count(second, "later")).toBe(1);
    await first.close();
    await second.close();
  });

  test("is migrated once where several connections open it at the same time", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path, name);
    const connections = await Promise.all([1, 2, 3].map(() => driver.open(path, "create")));
    const outcomes = await Promise.allSettled(connections.map((connection) => migrate(connection, path, LATER)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "SQLITE_BUSY" });
    }
    for (const connection of connections) {
      await migrate(connection, path, LATER);
      expect(await count(connection, "later")).toBe(1);
      await connection.close();
    }
  });
});
