import { describe, expect, test } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// A transaction of several calls holds the write lock for as long as the main thread is busy between two of them: other
// processes would wait for code that has nothing to do with the store.
describe.each(DRIVER_NAMES)("over %s", (driver) => {
  /** A store that notes its transactions of several calls. */
  async function openStore(path: string) {
    const begun: string[] = [];
    const noting = faultyDriver(({ sql }) => {
      if (sql.startsWith("BEGIN")) begun.push(sql);
      return undefined;
    }, DRIVERS[driver]);
    const streams = createStreamFactory(await openSQLiteBackend(path, {}, noting));
    begun.length = 0;
    return { streams, begun };
  }

  test("new streams, new types and keys are stored by one statement that takes the lock", async () => {
    await using folder = await createTempDir();
    const { streams, begun } = await openStore(folder.file("store.db"));
    await using _ = streams;
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write({ type: "First", data: 1 });
    await Promise.all([
      a.write({ type: "Second", data: 2 }),
      b.write([
        { type: "Third", data: 3, idempotencyKey: "k" },
        { type: 'with "quotes" and \u{1f600}', data: new Uint8Array([4]) },
      ]),
    ]);
    await b.write({ type: "Third", data: 3, idempotencyKey: "k" });

    expect(begun).toEqual([]);
    const written = [];
    for await (const event of (await streams.openStream("@all")).read()) written.push([event.streamId, event.type]);
    expect(written).toEqual([
      ["a", "First"],
      ["a", "Second"],
      ["b", "Third"],
      ["b", 'with "quotes" and \u{1f600}'],
    ]);
  });

  test("what another factory stores between the reading and the storing is found", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using others = await sqliteStreamFactory(path, { driver });
    const other = await others.openStream("b");
    await other.write({ type: "Known", data: 0 });
    let isFirst = true;
    let between: Promise<unknown> | undefined;
    const interrupted = faultyDriver(({ sql }) => {
      if (!sql.startsWith("INSERT INTO es_append") || !isFirst) return undefined;
      isFirst = false;
      between = other.write({ type: "Between", data: 1 });
      return "SQLITE_BUSY";
    }, DRIVERS[driver]);
    await using streams = createStreamFactory(await openSQLiteBackend(path, {}, interrupted));
    const stream = await streams.openStream("a");
    const written = await stream.write({ type: "Between", data: 2 }, { expectedVersion: 0 });
    await between;

    expect(written).toMatchObject({ version: 1, written: 1 });
    expect(await (await others.openStream("@all")).metrics()).toMatchObject({ eventCount: 3 });
  });
});

const ON_MAIN_THREAD = DRIVER_NAMES.filter((driver) => driver !== "sqlite3");

test.each(ON_MAIN_THREAD)("over %s a batch is stored without a turn of the event loop in between", async (driver) => {
  await using folder = await createTempDir();
  let turns = 0;
  let isOpen = true;
  const turn = (): void => {
    turns += 1;
    if (isOpen) setImmediate(turn);
  };
  const turnsAt: Record<string, number> = {};
  const noting = faultyDriver(({ sql }) => {
    if (/^(BEGIN|COMMIT)/.test(sql)) turnsAt[sql] = turns;
    return undefined;
  }, DRIVERS[driver]);
  await using streams = createStreamFactory(await openSQLiteBackend(folder.file("store.db"), {}, noting));
  const stream = await streams.openStream("a");
  await stream.write({ type: "T", data: 0 });
  turn();
  await stream.write(Array.from({ length: 1_000 }, (_, data) => ({ type: "T", data })));
  isOpen = false;

  expect(turnsAt.COMMIT).toBe(turnsAt["BEGIN IMMEDIATE"]);
  expect(turnsAt.COMMIT).toBeGreaterThan(0);
});
