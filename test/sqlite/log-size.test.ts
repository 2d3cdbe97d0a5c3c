import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { DRIVER_NAMES } from "../support/sqlite-drivers.js";
import { createTempDir } from "../support/temp-dir.js";

const MIB = 1024 * 1024;

test.each(DRIVER_NAMES)("the log stays short under writers that never pause, over %s", async (driver) => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await using streams = await sqliteStreamFactory(path, { driver, durability: "normal" });
  const writers = await Promise.all([1, 2, 3, 4].map((number) => streams.openStream(`writer-${number}`)));
  const data = "x".repeat(64 * 1024);

  await Promise.all(
    writers.map(async (stream) => {
      for (let count = 0; count < 500; count += 1) await stream.write({ type: "Wrote", data });
    }),
  );

  expect((await stat(path)).size).toBeGreaterThan(60 * MIB);
  expect((await stat(`${path}-wal`)).size).toBeLessThan(64 * MIB);
});
