import { describe, expect, test } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { forwarding } from "../../support/forwarding.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** A driver that does something once, right before the first statement that takes the write lock. */
function interrupted(driver: SQLiteDriver, interrupt: () => Promise<unknown>, ran: string[]): SQLiteDriver {
  return {
    libraryPath: (path) => driver.libraryPath(path),
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      return forwarding(connection, {
        async run(sql, parameters) {
          const statement = /^(BEGIN|COMMIT|INSERT INTO es_\w+)/.exec(sql.trim())?.[0];
          if (statement !== undefined && ran.push(statement) === 1) await interrupt();
          return connection.run(sql, parameters);
        },
      });
    },
  };
}

// A write is planned on what was read of the store. The statement that stores it finds out whether that is still true.
describe.each(DRIVER_NAMES)("over %s, what another factory stores before a write takes the lock", (driver) => {
  test.each([
    ["one event", 1, ["INSERT INTO es_events"], ["INSERT INTO es_events"]],
    ["two events", 2, ["INSERT INTO es_append"], ["INSERT INTO es_append"]],
    [
      "more events than one statement takes",
      300,
      ["BEGIN", "INSERT INTO es_append", "COMMIT"],
      ["INSERT INTO es_append", "INSERT INTO es_append"],
    ],
  ])("makes %s be decided again, under the lock", async (_, count, refused, stored) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using others = await sqliteStreamFactory(path, { driver });
    const other = await others.openStream("a");
    await other.write({ type: "T", data: "known" });
    const ran: string[] = [];
    const between = () => other.write({ type: "T", data: "between" });
    const backend = await openSQLiteBackend(path, {}, interrupted(DRIVERS[driver], between, ran));
    await using streams = createStreamFactory(backend);
    const stream = await streams.openStream("a");

    const written = await stream.write(Array.from({ length: count }, (_, data) => ({ type: "T", data })));

    expect(written).toMatchObject({ version: 2 + count, position: 2 + count, written: count });
    expect(ran).toEqual([...refused, "BEGIN", ...stored, "COMMIT"]);
    const data: unknown[] = [];
    for await (const event of other.read()) data.push(event.data);
    expect(data).toEqual(["known", "between", ...Array(count).keys()]);
  });
});
