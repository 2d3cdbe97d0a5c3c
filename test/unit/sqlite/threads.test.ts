import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { writeBatch } from "../../faults/support/batches.js";
import { inspectContents, SOUND } from "../../faults/support/inspect-contents.js";
import { StoreReader } from "../../faults/support/store-reader.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { StoreThread } from "../../support/store-thread.js";
import { createTempDir } from "../../support/temp-dir.js";

const CONFLICTS = DRIVER_NAMES.flatMap((mine) =>
  DRIVER_NAMES.filter((other) => other !== mine).map((other) => [mine, other] as const),
);

/** Opens the store in this thread, writes to it, and closes it. */
async function writeThrough(driver: DriverName, path: string, batch = "main"): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { driver });
  await writeBatch(streams, batch, { streams: 1, maxEvents: 1, maxFillerBytes: 1 });
}

let reader: StoreReader;

beforeAll(() => {
  reader = new StoreReader();
});

afterAll(() => reader[Symbol.asyncDispose]());

async function expectSound(path: string, thread: StoreThread): Promise<void> {
  expect(inspectContents(await reader.read(path), thread.acknowledged)).toEqual(SOUND);
}

describe.each(CONFLICTS)("a store that one thread has open through %s", (mine, other) => {
  test(`is not opened through ${other} by another before it was closed`, async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using holding = new StoreThread({ path, driver: mine, run: "held", manner: "writes" });
    await holding.waitFor(() => holding.acknowledged.length > 0);
    await expect(writeThrough(other, path)).rejects.toMatchObject({
      name: "StorageError",
      code: "STORAGE_DRIVER_CONFLICT",
      message: expect.stringMatching(
        new RegExp(`open through the driver "${mine}".*, and the driver "${other}".* has a SQLite of its own`),
      ),
    });
    const before = holding.acknowledged.length;
    await holding.waitFor(() => holding.acknowledged.length > before + 10);
    await holding.finish();
    await writeThrough(other, path);
    await expectSound(path, holding);
  });

  // sqlite3 ends the process when its thread is terminated in the middle of a call, so the thread has none under way.
  test(`can be opened through ${other} once the thread was terminated`, async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const holding = new StoreThread({ path, driver: mine, run: "terminated", manner: "rests" });
    await holding.waitFor(() => holding.acknowledged.length > 0);
    await holding.terminate();
    await writeThrough(other, path);
    await expectSound(path, holding);
  });
});

const TERMINABLE = DRIVER_NAMES.filter((name) => name !== "sqlite3");

test.each(TERMINABLE)(
  "a thread that is terminated while it uses a store through %s loses nothing, and blocks no other driver",
  async (driver) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    for (let writes = 1; writes <= 3; writes += 1) {
      const run = `terminated-${writes}`;
      const thread = new StoreThread({ path, driver, run, manner: "reopens" });
      await thread.waitFor(() => thread.acknowledged.length >= writes);
      await thread.terminate();
      await writeThrough("sqlite3", path, `main-${writes}`);
      await expectSound(path, thread);
    }
  },
);
