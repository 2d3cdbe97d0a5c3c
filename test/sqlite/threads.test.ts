import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../support/sqlite-drivers.js";
import { StoreThread } from "../support/store-thread.js";
import { createTempDir } from "../support/temp-dir.js";

const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const PAIRS = DRIVER_NAMES.flatMap((mine) => DRIVER_NAMES.map((other) => [mine, other] as const));
const CONFLICTS = PAIRS.filter(([mine, other]) => mine !== other);

async function versionsOf(path: string, driver: DriverName, streamId: string): Promise<number[]> {
  await using streams = await sqliteStreamFactory(path, { driver });
  const stream = await streams.openStream(streamId);
  const versions: number[] = [];
  for await (const { version } of stream.read()) versions.push(version);
  expect(await streams.verify()).toMatchObject({ ok: true });
  return versions;
}

describe.each(DRIVER_NAMES)("%s in several threads of a process", (driver) => {
  test("loses nothing that was acknowledged, whichever thread opens and closes the store meanwhile", async () => {
    await using folder = await createTempDir();
    const path = folder.file("shared.db");
    await using steady = new StoreThread({ path, driver, streamId: "steady", manner: "writes" });
    await using opening = new StoreThread({ path, driver, streamId: "opening", manner: "reopens" });
    let written = 0;
    {
      await using streams = await sqliteStreamFactory(path, { driver });
      const stream = await streams.openStream("main");
      let isEnough = false;
      const enough = Promise.all([
        opening.waitFor(() => opening.acknowledged.length >= 10),
        steady.waitFor(() => steady.acknowledged.length >= 50),
      ]).finally(() => {
        isEnough = true;
      });
      while (!isEnough) written = (await stream.write({ type: "Written", data: null })).version;
      await enough;
      await Promise.all([steady.finish(), opening.finish()]);
    }

    expect(await versionsOf(path, driver, "main")).toEqual(numbersTo(written));
    expect(await versionsOf(path, driver, "steady")).toEqual(steady.acknowledged);
    expect(await versionsOf(path, driver, "opening")).toEqual(opening.acknowledged);
  });
});

describe.each(CONFLICTS)("a store that one thread has open through %s", (mine, other) => {
  test(`is not opened through ${other} by another, before it was closed`, async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using holding = new StoreThread({ path, driver: mine, streamId: "a", manner: "rests" });
    await holding.waitFor(() => holding.acknowledged.length > 0);
    await expect(sqliteStreamFactory(path, { driver: other })).rejects.toMatchObject({
      name: "StorageError",
      code: "STORAGE_DRIVER_CONFLICT",
      message: expect.stringMatching(new RegExp(`open through .*/${mine}/.*, and .*/${other}/`)),
    });
    await holding.finish();
    expect(await versionsOf(path, other, "a")).toEqual(holding.acknowledged);
  });

  test(`can be opened through ${other} once the thread was terminated`, async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const holding = new StoreThread({ path, driver: mine, streamId: "a", manner: "rests" });
    await holding.waitFor(() => holding.acknowledged.length > 0);
    await holding.terminate();
    const { acknowledged } = holding;
    expect((await versionsOf(path, other, "a")).slice(0, acknowledged.length)).toEqual(acknowledged);
  });
});
