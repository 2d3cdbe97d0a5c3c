import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const MIB = 1024 * 1024;
/** What a log is cut back to; when nobody reads for long it never comes so far. */
const BOUND_BYTES = 64 * MIB;

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
  expect((await stat(`${path}-wal`)).size).toBeLessThan(BOUND_BYTES);
});

// Small events that change a page each, and the log takes whole pages. Counted by content alone it would have close to
// 100 MB here.
test("the log stays short when the events of a commit are in many streams", async () => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  const handles = await Promise.all(Array.from({ length: 64 }, (_, index) => streams.openStream(`stream-${index}`)));

  for (let round = 0; round < 500; round += 1) {
    await Promise.all(handles.map((handle) => handle.write({ type: "Counted", data: round })));
  }

  expect((await stat(`${path}-wal`)).size).toBeLessThan(BOUND_BYTES);
});

// Each key changes a page of its own: without counting them it would have about 270 MB.
test("the log stays short when the keys of a commit have no order", async () => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  await using stream = await streams.openStream("keyed");
  const keyed = () => ({ type: "Counted", data: 1, idempotencyKey: randomUUID() });

  for (let batch = 0; batch < 300; batch += 1) await stream.write(Array.from({ length: 256 }, keyed));

  expect((await stat(`${path}-wal`)).size).toBeLessThan(BOUND_BYTES);
});
