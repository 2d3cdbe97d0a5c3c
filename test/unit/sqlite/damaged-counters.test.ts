import { describe, expect, test } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** Opens a store in which statements of somebody else have changed what the library counts. */
async function openDamaged(driver: DriverName, damage: string) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  {
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    for (let data = 1; data <= 5; data += 1) await stream.write({ type: "Counted", data });
    await streams.transaction(({ records }) => records.put("settings", "theme", { dark: true }));
  }
  const connection = await DRIVERS[driver].open(path, "existing");
  await connection.exec(`PRAGMA foreign_keys = OFF; ${damage}`);
  await connection.close();
  const streams = await sqliteStreamFactory(path, { driver });
  return {
    streams,
    path,
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const event = { type: "Counted", data: 9 };

const WRITES: readonly (readonly [attempt: string, write: (streams: SQLiteStreamFactory) => Promise<unknown>])[] = [
  ['write to stream "a"', async (streams) => (await streams.openStream("a")).write(event)],
  ['write to stream "b"', async (streams) => (await streams.openStream("b")).write(event)],
  ['write to stream "a"', (streams) => streams.transaction((tx) => tx.write("a", event))],
  [
    'write to stream "a" and 1 other',
    (streams) =>
      streams.writeAll([
        { streamId: "a", events: event },
        { streamId: "b", events: event },
      ]),
  ],
];
const PRUNE = ["", (streams: SQLiteStreamFactory) => streams.pruneStream("a", { before: 3 })] as const;
const RECORD = [
  'store the record "theme" of "settings"',
  (streams: SQLiteStreamFactory) => streams.transaction(({ records }) => records.put("settings", "theme", {})),
] as const;

const POSITION = "UPDATE sqlite_sequence SET seq =";

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test.each([
    ["no counter of positions", "DELETE FROM sqlite_sequence", [...WRITES, PRUNE]],
    ["a counter of positions that is behind", `${POSITION} 0`, [...WRITES, PRUNE]],
    ["a counter of positions beyond 2^53", `${POSITION} ${2 ** 53}`, [...WRITES, PRUNE]],
    ["a counter of positions below 0", `${POSITION} -5`, WRITES],
    ["a counter of positions behind which no number is exact", `${POSITION} ${2 ** 53 - 1}`, WRITES],
    ["a counter of positions that cannot grow", `${POSITION} 9223372036854775807`, [...WRITES, PRUNE]],
    ["streams without names", "DELETE FROM es_streams", WRITES],
    ["no other counters", "DELETE FROM es_counters", [RECORD, PRUNE]],
    ["counters that cannot grow", "UPDATE es_counters SET value = 9223372036854775807", [RECORD, PRUNE]],
  ])("a store with %s is said to be damaged by what it counts for", async (_, damage, calls) => {
    await using damaged = await openDamaged(driver, damage);
    for (const [attempt, call] of calls) {
      const error = await failureOf(call(damaged.streams));
      expect(error, attempt).toMatchObject({
        code: "STORAGE_CORRUPT",
        message: expect.stringMatching(`^Cannot ${attempt}.* in ${damaged.path}: what the store counts does not fit`),
      });
    }
    expect(await damaged.streams.verify()).toMatchObject({ ok: false });
  });

  test("a revision that would come again is a problem", async () => {
    await using damaged = await openDamaged(driver, "UPDATE es_counters SET value = 0 WHERE name = 'revision'");
    const detail = "a record has revision 1, and the last revision given is 0";
    expect((await damaged.streams.verify()).problems).toEqual([{ kind: "record", detail }]);
  });
});
