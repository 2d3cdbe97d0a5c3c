import { stat } from "node:fs/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const MIB = 1024 * 1024;
/** What the log is cut back to, and what it stays below when nobody is in the way. */
const BOUND_BYTES = 64 * MIB;
const EVENT_BYTES = MIB;

const logBytes = async (path: string): Promise<number> => (await stat(`${path}-wal`)).size;

async function writeBytes(streams: StreamFactory, bytes: number): Promise<void> {
  await using stream = await streams.openStream("large");
  for (let written = 0; written < bytes; written += EVENT_BYTES) {
    await stream.write({ type: "Stored", data: new Uint8Array(EVENT_BYTES) });
  }
}

faultTest(
  "R7 the log that a long reader made grow comes back to its bound when the reader is gone",
  { quick: 1, soak: 10 },
  async ({ rounds, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await sqliteStreamFactory(path, { durability: "normal" });
      await writeBytes(streams, EVENT_BYTES);
      await using reader = startFixture("long-reader.ts", { args: [path] });
      await reader.waitFor(() => reader.lines.length > 0);
      await writeBytes(streams, BOUND_BYTES + 32 * MIB);
      const grownBytes = await logBytes(path);
      expect(grownBytes).toBeGreaterThan(BOUND_BYTES);
      expect(await reader.finish()).toBe(0);
      // It saw one state of the store from its beginning to its end.
      expect(reader.lines).toEqual(["1", "1"]);

      // How soon depends on how fast the disk takes what the log has; writers do not wait for it.
      while ((await logBytes(path)) > BOUND_BYTES) await writeBytes(streams, EVENT_BYTES);
      count("MiB that the log grew to", Math.round(grownBytes / MIB));
      count("MiB that it came back to", Math.round((await logBytes(path)) / MIB));
    }
  },
);

faultTest(
  "R7 reads and watches that pause do not make the log grow",
  { quick: 1, soak: 10 },
  async ({ rounds, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await sqliteStreamFactory(path, { durability: "normal" });
      await writeBytes(streams, 4 * EVENT_BYTES);
      await using stream = await streams.openStream("large");
      const readings = [stream.read(), stream.watch({ after: 0 }), stream.read({ direction: "backward" })];
      const paused = readings.map((reading) => reading[Symbol.asyncIterator]());
      for (const iterator of paused) expect(await iterator.next()).toMatchObject({ done: false });
      await writeBytes(streams, 2 * BOUND_BYTES);
      expect(await logBytes(path)).toBeLessThanOrEqual(BOUND_BYTES);
      count("MiB of the log", Math.round((await logBytes(path)) / MIB));
      for (const iterator of paused) {
        expect(await iterator.next()).toMatchObject({ done: false });
        await iterator.return?.();
      }
    }
  },
);
