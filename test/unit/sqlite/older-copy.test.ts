import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// A program that restores a backup into an open store, through SQLite's own locks, takes events away. What a process
// remembers of the store is then untrue, although the store may have grown back to the position that it knows.

/** Takes the store back to what it was at a position. */
async function takeBack(driver: DriverName, path: string, position: number): Promise<void> {
  const connection = await DRIVERS[driver].open(path, "existing");
  await connection.exec(`
    BEGIN IMMEDIATE;
    DROP TRIGGER es_events_are_never_deleted;
    DELETE FROM es_events WHERE position > ${position};
    DELETE FROM es_types WHERE id NOT IN (SELECT type FROM es_events);
    UPDATE sqlite_sequence SET seq = ${position} WHERE name = 'es_events';
    COMMIT;
  `);
  await connection.close();
}

describe.each(DRIVER_NAMES)("over %s, a store that was taken back and has grown to the same position", (driver) => {
  test.each([true, false])("is read anew before a write is decided (checksums: %s)", async (checksums) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver, checksums });
    const stream = await streams.openStream("a");
    for (let data = 0; data < 5; data += 1) await stream.write({ type: "Kept", data });
    for (let data = 0; data < 5; data += 1) await stream.write({ type: "Lost", data });

    await takeBack(driver, path, 5);
    await using others = await sqliteStreamFactory(path, { driver, checksums });
    const other = await others.openStream("b");
    for (let data = 0; data < 5; data += 1) await other.write({ type: "Theirs", data });

    await expect(stream.write({ type: "Lost", data: 6 }, { expectedVersion: 10 })).rejects.toMatchObject({
      code: "CONCURRENCY_CONFLICT",
      actualVersion: 5,
    });
    expect(await stream.write({ type: "Lost", data: 6 })).toMatchObject({ version: 6, position: 11 });
    expect(await stream.write([0, 1].map((data) => ({ type: "Lost", data })))).toMatchObject({ version: 8 });
    const types: string[] = [];
    for await (const { type } of stream.read({ after: 5 })) types.push(type);
    expect(types).toEqual(["Lost", "Lost", "Lost"]);
  });
});
