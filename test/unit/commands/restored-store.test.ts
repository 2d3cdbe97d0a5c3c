import { describe, expect, test } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { handle, loadState, type StateCache, stateCache } from "../../../src/commands/index.js";
import { disposingAlso } from "../../support/disposing-also.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { account, deposited, opened } from "./support/account.js";

// A program that restores a backup into an open store, through SQLite's own locks, takes events away. A state in a cache is
// then one that the store never had.

const STREAMS = ["a", "b", "c", "d", "e", "f"];

/** Takes the store back to what it was at a position. */
async function takeBack(driver: DriverName, path: string, position: number): Promise<void> {
  const connection = await DRIVERS[driver].open(path, "existing");
  await connection.exec(`
    BEGIN IMMEDIATE;
    DROP TRIGGER es_events_are_never_deleted;
    DELETE FROM es_events WHERE position > ${position};
    UPDATE sqlite_sequence SET seq = ${position} WHERE name = 'es_events';
    COMMIT;
  `);
  await connection.close();
}

/** A store in which an account is opened in each stream, with a cache that has their states. */
async function openAccounts(driver: DriverName) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  const streams = disposingAlso(await sqliteStreamFactory(path, { driver }), { after: [folder] });
  const cache = stateCache();
  for (const streamId of STREAMS) await handle(streams, account, streamId, () => opened, { cache });
  return { path, streams, cache, [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() };
}

/** Loads one after the other, so that each reads its own stream, or all at once, so that they share the end of the store. */
const WAYS: [string, (streams: SQLiteStreamFactory, cache: StateCache) => Promise<unknown>][] = [
  [
    "one by one",
    async (streams, cache) => {
      for (const streamId of STREAMS) await loadState(streams, account, streamId, { cache });
    },
  ],
  [
    "together",
    async (streams, cache) => {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(STREAMS.map((streamId) => loadState(streams, account, streamId, { cache })));
      }
    },
  ],
];

describe.each(DRIVER_NAMES)("over %s, a store that was taken back under a warm cache", (driver) => {
  test.each(WAYS)("is decided on as it is, with states that were loaded %s", async (_, warm) => {
    await using store = await openAccounts(driver);
    const { path, streams, cache } = store;
    for (const streamId of STREAMS)
      await handle(streams, account, streamId, () => [deposited(1), deposited(1)], { cache });
    await warm(streams, cache);

    await takeBack(driver, path, STREAMS.length);
    const decidedOn: number[] = [];
    const deposit = (streamId: string, amount: number) => {
      const decide = ({ balance }: { balance: number }) => {
        decidedOn.push(balance);
        return deposited(amount);
      };
      return handle(streams, account, streamId, decide, { cache });
    };
    expect(await deposit("a", 10)).toMatchObject({ version: 2, state: { balance: 10 } });
    await deposit("a", 10);
    // All at once.
    const results = await Promise.all(STREAMS.slice(1).map((streamId) => deposit(streamId, 10)));
    expect(results.map(({ version, state }) => [version, state.balance])).toEqual(STREAMS.slice(1).map(() => [2, 10]));
    expect(new Set(decidedOn)).toEqual(new Set([0, 10]));
  });

  test("is not decided on with the commands that it lost, whose events nobody has read since", async () => {
    await using store = await openAccounts(driver);
    const { path, streams, cache } = store;
    for (const [, warm] of WAYS) await warm(streams, cache);
    await handle(streams, account, "a", () => deposited(100), { cache });

    await takeBack(driver, path, STREAMS.length);
    expect(await loadState(streams, account, "a", { cache })).toMatchObject({ version: 1, state: { balance: 0 } });
    await using others = await sqliteStreamFactory(path, { driver });
    await handle(others, account, "b", () => deposited(5));
    await handle(others, account, "a", () => deposited(7));
    const decidedOn: number[] = [];
    const { version } = await handle(
      streams,
      account,
      "a",
      ({ balance }) => {
        decidedOn.push(balance);
        return deposited(1);
      },
      { cache },
    );
    expect({ version, decidedOn: decidedOn.at(-1) }).toEqual({ version: 3, decidedOn: 7 });
  });

  test("is read anew by a command whose state leaves the cache while it is looked up", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const cache = stateCache();
    for (let count = 0; count < 6; count += 1) await handle(streams, account, "a", () => deposited(1), { cache });

    await takeBack(driver, path, 2);
    const handled = handle(streams, account, "a", () => deposited(10), { cache, commandId: "x" });
    cache.clear();
    expect(await handled).toMatchObject({ version: 3, state: { balance: 12 } });
    expect(await loadState(streams, account, "a", { cache })).toMatchObject({ version: 3, state: { balance: 12 } });
  });

  test.each(WAYS)("and has grown to the same place, is decided on as it is, with states loaded %s", async (_, warm) => {
    await using store = await openAccounts(driver);
    const { path, streams, cache } = store;
    for (const streamId of STREAMS)
      await handle(streams, account, streamId, () => [deposited(1), deposited(1)], { cache });
    await warm(streams, cache);

    await takeBack(driver, path, STREAMS.length);
    await using others = await sqliteStreamFactory(path, { driver });
    for (const streamId of STREAMS) await handle(others, account, streamId, () => [deposited(5), deposited(5)]);
    await Promise.all(
      STREAMS.map(async (streamId) => {
        expect(await loadState(streams, account, streamId, { cache })).toMatchObject({
          version: 3,
          state: { balance: 10 },
        });
      }),
    );
    expect(await handle(streams, account, "a", () => deposited(1), { cache })).toMatchObject({
      state: { balance: 11 },
    });
  });

  test.each([
    ["a cache", true],
    ["no cache", false],
  ])("while it is decided, is decided on again as it is, with %s", async (_, isCached) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const options = isCached ? { cache: stateCache() } : {};
    await handle(streams, account, "a", () => opened, options);
    await handle(streams, account, "a", () => [deposited(1), deposited(1)], options);
    const decidedOn: number[] = [];
    const decide = async ({ balance }: { balance: number }) => {
      decidedOn.push(balance);
      if (decidedOn.length === 1) await takeBack(driver, path, 1);
      return deposited(10);
    };
    expect(await handle(streams, account, "a", decide, options)).toMatchObject({ version: 2, state: { balance: 10 } });
    expect(decidedOn).toEqual([2, 0]);
  });
});
