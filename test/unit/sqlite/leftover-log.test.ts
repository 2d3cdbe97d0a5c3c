import { copyFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** Less than what a process writes until it checkpoints the log, and more than half of it. */
const WRITTEN_BYTES = 2_600_000;
const LARGE = { type: "Large", data: { text: "x".repeat(WRITTEN_BYTES) } };

test.each(DRIVER_NAMES)(
  "over %s the log that a killed process has left is checkpointed with what the next one writes",
  async (driver) => {
    await using folder = await createTempDir();
    const [path, left] = [folder.file("store.db"), folder.file("left.db")];
    {
      await using streams = await sqliteStreamFactory(path, { driver });
      await (await streams.openStream("a")).write(LARGE);
      // As the files are while the store is open, a kill leaves them.
      for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, left + suffix);
    }
    expect(statSync(left).size).toBeLessThan(WRITTEN_BYTES);
    await using streams = await sqliteStreamFactory(left, { driver });
    await (await streams.openStream("a")).write(LARGE);

    await expect.poll(() => statSync(left).size).toBeGreaterThan(WRITTEN_BYTES);
  },
);
