import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { createTempDir } from "../support/temp-dir.js";

const STREAMS = 64;
const ROUNDS = 500;
const MAX_LOG_BYTES = 32 * 1024 * 1024;

// Small events in many streams: each changes a page of its own, and the log takes whole pages. Counted by content alone it
// would have close to 100 MB here.
test("the log stays short when the events of a commit are in many streams", async () => {
  await using folder = await createTempDir();
  const path = folder.file("many-streams.db");
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  const handles = await Promise.all(
    Array.from({ length: STREAMS }, (_, index) => streams.openStream(`stream-${index}`)),
  );

  let longest = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(handles.map((handle) => handle.write({ type: "Counted", data: round })));
    if (round % 10 === 0) longest = Math.max(longest, (await stat(`${path}-wal`)).size);
  }

  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(MAX_LOG_BYTES);
});
